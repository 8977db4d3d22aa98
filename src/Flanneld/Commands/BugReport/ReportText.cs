using System.Globalization;
using System.Text;

namespace Flanneld.Commands.BugReport;

/// <summary>Text of files and programs as the report contains it: one that every viewer opens as text. Pure.</summary>
internal static class ReportText
{
    /// <summary>Control characters are replaced by their number, such as <c>\x1B</c>, and halves of a character by U+FFFD. Zero bytes are
    /// removed: between the letters of a text in UTF-16, they would hide a secret from <see cref="SecretScrubber"/>.</summary>
    public static string Of(string text)
    {
        var zeros = text.Count(c => c == '\0');
        var result = new StringBuilder(text.Length);
        if (zeros > 0) result.Append(CultureInfo.InvariantCulture, $"(not UTF-8: {zeros} zero bytes are removed)\n");
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value == 0 || rune.Value == '\r') continue;
            if (Rune.IsControl(rune) && rune.Value is not ('\n' or '\t'))
                result.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:X2}");
            else result.Append(rune);
        }

        return result.ToString();
    }
}
