using System.Text;

namespace AliCloud.Simulator.Api;

/// <summary>The query of the request target as it was sent, parsed like a web server does.</summary>
internal static class RawQuery
{
    /// <summary>Null if it is malformed: a percent sign without two hex digits, a byte that is not ASCII, a repeated name.</summary>
    public static Dictionary<string, string>? Parse(string query)
    {
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var name = Decode(equals < 0 ? pair : pair[..equals]);
            var value = Decode(equals < 0 ? "" : pair[(equals + 1)..]);
            if (name is null || value is null || !parameters.TryAdd(name, value)) return null;
        }

        return parameters;
    }

    // A plus is a space, as in a form. A literal plus is %2B.
    private static string? Decode(string text)
    {
        var bytes = new List<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsAscii(text[i])) return null;
            if (text[i] != '%')
            {
                bytes.Add(text[i] == '+' ? (byte)' ' : (byte)text[i]);
                continue;
            }

            if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2])) return null;
            bytes.Add(Convert.ToByte(text.Substring(i + 1, 2), 16));
            i += 2;
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }
}
