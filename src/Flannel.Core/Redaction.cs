using System.Buffers;
using System.Text.RegularExpressions;

namespace Flannel.Core;

/// <summary>Removes secrets from text that an operator wrote, before it is printed. An endpoint may contain a password in any place: as
/// user information with or without a scheme, percent-encoded, in a query. Therefore only scheme, host and port are printed, and only if
/// they cannot be a part of something else.</summary>
public static partial class Redaction
{
    /// <summary>Replaces what is not printed.</summary>
    public const string Mask = "***";

    private const string Rest = "…";
    private const string NoPath = "(not shown: not a path such as /etc/flannel/file)";
    private const int LongestQuote = 80;

    // NAME_MAX of Linux. A longer text is probably the content of a file.
    private const int LongestPath = 255;

    private static readonly SearchValues<char> EndpointCharacters = SearchValues.Create("@%:?#");
    private static readonly string[] KnownSchemes = ["http", "https", "htp", "htps", "ftp", "tcp", "grpc", "unix"];

    /// <summary>The value of an option that should not contain a secret, on one line, shortened.</summary>
    public static string Value(string text)
    {
        if (text.AsSpan().ContainsAny(EndpointCharacters)) return Endpoints(text);
        var line = text.ReplaceLineEndings(" ");
        return line.Length <= LongestQuote ? line : string.Concat(line.AsSpan(0, LongestQuote - Rest.Length), Rest);
    }

    /// <summary>A list of endpoints, separated by commas. A comma may be a part of a password: if one part may contain a secret, all
    /// may.</summary>
    public static string Endpoints(string text)
    {
        var mayHoldSecret = MayHoldSecret(text);
        return string.Join(',', text.Split(',').Select(part => mayHoldSecret ? HostAfterUser(part.Trim()) : PlainEndpoint(part.Trim())));
    }

    /// <summary>The path of a file that an operator named. It may be the content of the file by mistake, as in
    /// <c>FLANNELD_ETCD_KEYFILE="$(cat key.pem)"</c>: only a text that looks like a path, or exists, is printed.</summary>
    public static string Path(string text) => IsPath(text) ? text : NoPath;

    internal static bool IsPath(string text) =>
        text.Length is > 0 and <= LongestPath
        && !text.Any(character => char.IsControl(character) || character is '\u2028' or '\u2029')
        && (text[0] == '/' || text.StartsWith("./", StringComparison.Ordinal) || text.StartsWith("../", StringComparison.Ordinal)
            || System.IO.Path.Exists(text));

    private static bool MayHoldSecret(string text) => text.AsSpan().ContainsAny('@', '%');

    private static string HostAfterUser(string part)
    {
        var at = part.LastIndexOf('@');
        if (at < 0) return Mask;
        var user = part.AsSpan(0, at);
        var scheme = user.IndexOf("://", StringComparison.Ordinal);
        // What follows an @ in a path or a query may be anything.
        if (user[(scheme < 0 ? 0 : scheme + 3)..].ContainsAny('/', '?', '#')) return Mask;
        return UnambiguousHost().IsMatch(part.AsSpan(at + 1)) ? $"{Mask}@{part[(at + 1)..]}" : Mask;
    }

    private static string PlainEndpoint(string part)
    {
        if (part.Length == 0) return "";
        if (Endpoint().Match(part) is not { Success: true } match) return Mask;
        var scheme = match.Groups["scheme"].Value;
        var shownScheme = scheme.Length == 0 || KnownSchemes.Contains(scheme, StringComparer.OrdinalIgnoreCase) ? scheme : Mask;
        var rest = match.Groups["rest"].Value;
        var shownRest = rest is "" or "/" ? rest : Rest;
        return $"{shownScheme}{match.Groups["slashes"].Value}{match.Groups["host"].Value}{match.Groups["port"].Value}{shownRest}";
    }

    /// <summary>A port must be at the end or before a path, otherwise it may be the beginning of a password.</summary>
    [GeneratedRegex(
        @"^((?<scheme>[A-Za-z][A-Za-z0-9+.-]*)(?<slashes>:/{1,3}))?(?<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
        + @"(?<port>:[0-9]{1,6}(?=$|[/?\#]))?(?<rest>.*)$",
        RegexOptions.Singleline)]
    private static partial Regex Endpoint();

    /// <summary>With a dot, a port or brackets: a name without them may be the end of a password.</summary>
    [GeneratedRegex(@"^(\[[0-9A-Fa-f:.]+\](:[0-9]{1,6})?|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]{1,6})?|[A-Za-z0-9-]+:[0-9]{1,6})/?$")]
    private static partial Regex UnambiguousHost();
}
