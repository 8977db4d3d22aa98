using System.Globalization;
using System.Text;

namespace Flannel.Core;

/// <summary>Text of another program or person, such as the name of a route or a value in etcd, before it is printed for people.</summary>
public static class PrintableText
{
    private const string Replacement = "?";

    /// <summary>The text on one line. A terminal executes escape sequences, and marks of direction and characters without width make it
    /// show another text: each of these characters is replaced by a question mark.</summary>
    public static string Of(string text)
    {
        var shown = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) shown.Append(IsPrintable(rune) ? rune.ToString() : Replacement);
        return shown.ToString();
    }

    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
