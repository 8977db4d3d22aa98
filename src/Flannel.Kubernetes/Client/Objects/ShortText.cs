using System.Text;

namespace Flannel.Kubernetes.Client.Objects;

/// <summary>Text for a field of limited length.</summary>
internal static class ShortText
{
    private const string Ellipsis = "...";

    /// <summary>The text, or its beginning with an ellipsis if its UTF-8 form is longer. Characters stay whole.</summary>
    public static string Of(string text, int maxBytes)
    {
        if (Encoding.UTF8.GetByteCount(text) <= maxBytes) return text;
        var shortened = new StringBuilder();
        var left = maxBytes - Ellipsis.Length;
        foreach (var rune in text.EnumerateRunes())
        {
            left -= rune.Utf8SequenceLength;
            if (left < 0) break;
            shortened.Append(rune.ToString());
        }

        return shortened.Append(Ellipsis).ToString();
    }
}
