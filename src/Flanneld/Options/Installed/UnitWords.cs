using System.Text;

namespace Flanneld.Options.Installed;

/// <summary>Splits a text into words at blanks, with quotation marks and backslashes as systemd reads and prints them. Pure.</summary>
internal static class UnitWords
{
    /// <summary>Never fails: a quotation mark that is not closed ends with the text, as systemd's relaxed mode has it.</summary>
    public static IReadOnlyList<string> Split(string text)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var isWord = false;
        char? quote = null;
        for (var i = 0; i < text.Length; i++)
        {
            var next = text[i];
            if (quote is null && char.IsWhiteSpace(next))
            {
                if (isWord) words.Add(word.ToString());
                word.Clear();
                isWord = false;
                continue;
            }

            isWord = true;
            if (next == quote) quote = null;
            else if (quote is null && (next is '"' or '\'')) quote = next;
            // systemctl prints a word with control characters as $'…'.
            else if (quote is null && next == '$' && i + 1 < text.Length && text[i + 1] == '\'' && word.Length == 0) continue;
            else if (next == '\\' && i + 1 < text.Length) word.Append(Unescape(text[++i]));
            else word.Append(next);
        }

        if (isWord) words.Add(word.ToString());
        return words;
    }

    private static char Unescape(char escaped) => escaped switch
    {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        _ => escaped,
    };
}
