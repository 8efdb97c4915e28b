using System.Globalization;
using System.Text;

namespace Reprieve
{
    // The little JSON that this package writes itself.
    internal static class Json
    {
        internal static string Text(string text)
        {
            if (text == null)
            {
                return "null";
            }
            var json = new StringBuilder(text.Length + 2).Append('"');
            for (int at = 0; at < text.Length; at++)
            {
                char c = text[at];
                bool pair = char.IsHighSurrogate(c) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]);
                if (pair)
                {
                    json.Append(c).Append(text[++at]);
                }
                else if (c == '"' || c == '\\')
                {
                    json.Append('\\').Append(c);
                }
                else if (c < ' ' || char.IsSurrogate(c))
                {
                    json.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
                }
                else
                {
                    json.Append(c);
                }
            }
            return json.Append('"').ToString();
        }
    }
}
