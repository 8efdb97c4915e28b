using System;
using System.Globalization;

namespace Reprieve.Unity
{
    /// <summary>How long it goes on, in words for people.</summary>
    public static class Runway
    {
        /// <summary>The time until access is denied; null if it is denied already, or nothing denies it.</summary>
        public static TimeSpan? Of(Decision decision)
        {
            ReprieveTime? ends = decision.Ends;
            if (ends == null)
            {
                return null;
            }
            long seconds = ends.Value.Seconds - decision.T.Seconds;
            if (ends.Value.Nanos < decision.T.Nanos)
            {
                seconds--;
            }
            return TimeSpan.FromSeconds(Math.Max(0, Math.Min(seconds, 3000000000)));
        }

        /// <summary>In the two largest units, rounded down: <c>3 d 4 h</c>, <c>4 h 10 min</c>, <c>12 min</c>, <c>50 s</c>.</summary>
        public static string Text(TimeSpan left)
        {
            CultureInfo plain = CultureInfo.InvariantCulture;
            if (left.TotalDays >= 1)
            {
                return string.Format(plain, "{0} d {1} h", (long)left.TotalDays, left.Hours);
            }
            if (left.TotalHours >= 1)
            {
                return string.Format(plain, "{0} h {1} min", left.Hours, left.Minutes);
            }
            return left.TotalMinutes >= 1 ? string.Format(plain, "{0} min", left.Minutes) : string.Format(plain, "{0} s", left.Seconds);
        }
    }
}
