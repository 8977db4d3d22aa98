using System.Text;

namespace Flanneld.Options.Installed;

/// <summary>Parses a file of systemd's <c>EnvironmentFile=</c> as systemd does (systemd.exec(5); <c>parse_env_file_internal</c> in its
/// <c>env-file.c</c>). Pure.</summary>
internal sealed class EnvironmentFile
{
    private const string NeedEscape = "\"\\`$";

    private readonly string text;
    private readonly List<KeyValuePair<string, string>> variables = [];
    private int position;

    private EnvironmentFile(string text) => this.text = text;

    private bool IsAtEnd => position >= text.Length;

    /// <summary>The variables in their order; a later one replaces an earlier one of the same name. Lines that assign nothing are
    /// ignored.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Parse(string text)
    {
        var file = new EnvironmentFile(text);
        while (!file.IsAtEnd) file.ReadLine();
        return file.variables;
    }

    private void ReadLine()
    {
        while (!IsAtEnd && char.IsWhiteSpace(text[position])) position++;
        if (IsAtEnd) return;
        if (text[position] is '#' or ';')
        {
            SkipComment();
            return;
        }

        var start = position;
        while (!IsAtEnd && text[position] != '=' && !IsNewLine(text[position])) position++;
        var key = text[start..position].TrimEnd();
        // A line without a '=' assigns nothing.
        if (IsAtEnd || IsNewLine(text[position])) return;
        position++;
        var value = ReadValue();
        if (key.Length > 0 && !key.Contains(' ')) variables.Add(new(key, value));
    }

    /// <summary>A backslash continues a comment, too.</summary>
    private void SkipComment()
    {
        while (!IsAtEnd && !IsNewLine(text[position]))
        {
            if (text[position] == '\\') position++;
            position++;
        }
    }

    /// <summary>Quoted parts, and an unquoted one, which ends at the end of its line.</summary>
    private string ReadValue()
    {
        var value = new StringBuilder();
        while (!IsAtEnd && !IsNewLine(text[position]))
        {
            var next = text[position];
            if (char.IsWhiteSpace(next)) position++;
            else if (next == '\'') ReadSingleQuoted(value);
            else if (next == '"') ReadDoubleQuoted(value);
            else ReadUnquoted(value);
        }

        return value.ToString();
    }

    private void ReadSingleQuoted(StringBuilder value)
    {
        for (position++; !IsAtEnd && text[position] != '\''; position++) value.Append(text[position]);
        position++;
    }

    private void ReadDoubleQuoted(StringBuilder value)
    {
        for (position++; !IsAtEnd && text[position] != '"'; position++)
        {
            if (text[position] != '\\' || position + 1 >= text.Length)
            {
                value.Append(text[position]);
                continue;
            }

            var escaped = text[++position];
            if (IsNewLine(escaped)) continue;
            if (!NeedEscape.Contains(escaped)) value.Append('\\');
            value.Append(escaped);
        }

        position++;
    }

    private void ReadUnquoted(StringBuilder value)
    {
        var kept = value.Length;
        for (; !IsAtEnd && !IsNewLine(text[position]); position++)
        {
            var isEscaped = text[position] == '\\' && position + 1 < text.Length;
            if (isEscaped && IsNewLine(text[++position])) continue;
            value.Append(text[position]);
            if (isEscaped || !char.IsWhiteSpace(text[position])) kept = value.Length;
        }

        value.Length = kept;
    }

    private static bool IsNewLine(char character) => character is '\n' or '\r';
}
