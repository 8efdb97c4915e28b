using System;
using System.Globalization;

namespace Reprieve
{
    /// <summary>
    /// An instant in UTC, exact to the nanosecond: whole seconds since 1970-01-01T00:00:00Z (no leap seconds), and nanoseconds past them.
    /// <see cref="DateTimeOffset"/> counts in steps of 100 ns from the year 1 to 9999; this type holds whatever the ledger holds.
    /// </summary>
    /// <example><code>
    /// var start = new ReprieveTime(1767225600, 0);
    /// Console.WriteLine(start);                                       // 2026-01-01T00:00:00Z
    /// Console.WriteLine(start.ToDateTimeOffset().ToLocalTime());
    /// </code></example>
    /// <remarks>Immutable; any thread.</remarks>
    public readonly struct ReprieveTime : IEquatable<ReprieveTime>, IComparable<ReprieveTime>, IComparable
    {
        private const long DaySeconds = 86400;
        private const long EpochTicks = 621355968000000000;

        /// <summary>Makes an instant. Nanoseconds of a second or more are carried over into the seconds.</summary>
        /// <param name="seconds">Seconds since 1970-01-01T00:00:00Z, rounded down: negative before.</param>
        /// <param name="nanos">Nanoseconds past <paramref name="seconds"/>.</param>
        /// <exception cref="OverflowException">The carry does not fit.</exception>
        public ReprieveTime(long seconds, uint nanos)
        {
            Seconds = checked(seconds + nanos / 1000000000);
            Nanos = nanos % 1000000000;
        }

        /// <summary>Whole seconds since 1970-01-01T00:00:00Z, rounded down.</summary>
        public long Seconds { get; }

        /// <summary>Nanoseconds past <see cref="Seconds"/>: 0 to 999,999,999.</summary>
        public uint Nanos { get; }

        /// <summary>
        /// The same instant as .NET has it, with offset zero: cut to 100 ns, and to the first or last instant that .NET knows where it lies
        /// beyond. Never throws.
        /// </summary>
        public DateTimeOffset ToDateTimeOffset()
        {
            const long Least = -62135596800, Most = 253402300799;
            if (Seconds < Least)
            {
                return DateTimeOffset.MinValue;
            }
            if (Seconds > Most)
            {
                return DateTimeOffset.MaxValue;
            }
            return new DateTimeOffset(EpochTicks + Seconds * TimeSpan.TicksPerSecond + Nanos / 100, TimeSpan.Zero);
        }

        /// <summary>The instant of a <see cref="DateTimeOffset"/>, whatever its offset. Exact.</summary>
        public static ReprieveTime FromDateTimeOffset(DateTimeOffset time)
        {
            long ticks = time.UtcTicks - EpochTicks;
            long seconds = Floor(ticks, TimeSpan.TicksPerSecond);
            return new ReprieveTime(seconds, (uint)(ticks - seconds * TimeSpan.TicksPerSecond) * 100);
        }

        /// <summary>
        /// RFC 3339 in UTC with as many digits of a second as there are, as every binding, document and scenario writes it:
        /// <c>2026-01-01T00:00:00Z</c>, <c>2026-01-01T00:00:00.5Z</c>. Years outside 0 to 9999 are written with a sign.
        /// </summary>
        public override string ToString()
        {
            long days = Floor(Seconds, DaySeconds);
            long second = Seconds - days * DaySeconds;
            // Days to a civil date after Howard Hinnant's `civil_from_days`, proleptic Gregorian.
            long z = days + 719468;
            long era = Floor(z, 146097);
            long doe = z - era * 146097;
            long yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
            long doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
            long mp = (5 * doy + 2) / 153;
            long day = doy - (153 * mp + 2) / 5 + 1;
            long month = mp < 10 ? mp + 3 : mp - 9;
            long year = yoe + era * 400 + (month <= 2 ? 1 : 0);

            CultureInfo plain = CultureInfo.InvariantCulture;
            string text = year < 0 ? "-" + (-year).ToString("0000", plain)
                : year > 9999 ? "+" + year.ToString("0000", plain)
                : year.ToString("0000", plain);
            text = string.Format(plain, "{0}-{1:00}-{2:00}T{3:00}:{4:00}:{5:00}", text, month, day, second / 3600, second / 60 % 60, second % 60);
            if (Nanos != 0)
            {
                text += "." + Nanos.ToString("000000000", plain).TrimEnd('0');
            }
            return text + "Z";
        }

        /// <inheritdoc/>
        public int CompareTo(ReprieveTime other)
        {
            int order = Seconds.CompareTo(other.Seconds);
            return order != 0 ? order : Nanos.CompareTo(other.Nanos);
        }

        /// <inheritdoc/>
#if REPRIEVE_NULLABLE
        int IComparable.CompareTo(object? obj)
#else
        int IComparable.CompareTo(object obj)
#endif
        {
            if (obj == null)
            {
                return 1;
            }
            if (obj is ReprieveTime)
            {
                return CompareTo((ReprieveTime)obj);
            }
            throw new ArgumentException("this is no ReprieveTime", "obj");
        }

        /// <summary>Whether both are the same instant, to the nanosecond.</summary>
        public bool Equals(ReprieveTime other)
        {
            return Seconds == other.Seconds && Nanos == other.Nanos;
        }

        /// <inheritdoc/>
#if REPRIEVE_NULLABLE
        public override bool Equals(object? obj)
#else
        public override bool Equals(object obj)
#endif
        {
            return obj is ReprieveTime && Equals((ReprieveTime)obj);
        }

        /// <inheritdoc/>
        public override int GetHashCode()
        {
            return Seconds.GetHashCode() * 31 + (int)Nanos;
        }

        /// <summary>Whether both are the same instant.</summary>
        public static bool operator ==(ReprieveTime left, ReprieveTime right) { return left.Equals(right); }

        /// <summary>Whether they differ.</summary>
        public static bool operator !=(ReprieveTime left, ReprieveTime right) { return !left.Equals(right); }

        /// <summary>Whether the left is earlier.</summary>
        public static bool operator <(ReprieveTime left, ReprieveTime right) { return left.CompareTo(right) < 0; }

        /// <summary>Whether the left is later.</summary>
        public static bool operator >(ReprieveTime left, ReprieveTime right) { return left.CompareTo(right) > 0; }

        /// <summary>Whether the left is earlier, or the same.</summary>
        public static bool operator <=(ReprieveTime left, ReprieveTime right) { return left.CompareTo(right) <= 0; }

        /// <summary>Whether the left is later, or the same.</summary>
        public static bool operator >=(ReprieveTime left, ReprieveTime right) { return left.CompareTo(right) >= 0; }

        private static long Floor(long value, long by)
        {
            long quotient = value / by;
            return value % by < 0 ? quotient - 1 : quotient;
        }
    }
}
