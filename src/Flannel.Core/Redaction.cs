using System.Buffers;
using System.Text.RegularExpressions;

namespace Flannel.Core;

/// <summary>Makes text that an operator typed fit for an error, a log or a report. An endpoint may hold a password wherever somebody put
/// one: as user information with or without a scheme, percent-encoded, in a query. So nothing of it is shown but scheme, host and port, and
/// those only where they cannot be a part of something else.</summary>
public static partial class Redaction
{
    /// <summary>Stands for what is not shown.</summary>
    public const string Mask = "***";

    private const string Rest = "…";
    private const string NoPath = "(not shown: not a path such as /etc/flannel/file)";
    private const int LongestQuote = 80;

    // NAME_MAX of Linux: a longer text is more often a file's content than its path.
    private const int LongestPath = 255;

    private static readonly SearchValues<char> EndpointCharacters = SearchValues.Create("@%:?#");
    private static readonly string[] KnownSchemes = ["http", "https", "htp", "htps", "ftp", "tcp", "grpc", "unix"];

    /// <summary>The value of an option that should not hold a secret, on one line, shortened.</summary>
    public static string Value(string text)
    {
        if (text.AsSpan().ContainsAny(EndpointCharacters)) return Endpoints(text);
        var line = text.ReplaceLineEndings(" ");
        return line.Length <= LongestQuote ? line : string.Concat(line.AsSpan(0, LongestQuote - Rest.Length), Rest);
    }

    /// <summary>A list of endpoints, separated by commas. A comma may be a part of a password: one suspicious part makes all of them
    /// so.</summary>
    public static string Endpoints(string text)
    {
        var suspicious = MayHoldSecret(text);
        return string.Join(',', text.Split(',').Select(part => suspicious ? HostBehindUser(part.Trim()) : PlainEndpoint(part.Trim())));
    }

    /// <summary>The path of a file that an operator named. The content of the file may have been given in its place, as in
    /// <c>FLANNELD_ETCD_KEYFILE="$(cat key.pem)"</c>: only what looks like a path, or exists, is shown.</summary>
    public static string Path(string text) => IsPath(text) ? text : NoPath;

    /// <summary>The text of an exception about a file. It quotes the path, so of a path that is not shown it is another text.</summary>
    public static string FileError(string path, Exception error) => IsPath(path) ? error.Message : error switch
    {
        PathTooLongException => "the name is too long",
        UnauthorizedAccessException => "access is denied",
        _ => "the file system refuses it",
    };

    private static bool IsPath(string text) =>
        text.Length is > 0 and <= LongestPath
        && !text.Any(character => char.IsControl(character) || character is '\u2028' or '\u2029')
        && (text[0] == '/' || text.StartsWith("./", StringComparison.Ordinal) || text.StartsWith("../", StringComparison.Ordinal)
            || System.IO.Path.Exists(text));

    private static bool MayHoldSecret(string text) => text.AsSpan().ContainsAny('@', '%');

    private static string HostBehindUser(string part)
    {
        var at = part.LastIndexOf('@');
        if (at < 0) return Mask;
        var user = part.AsSpan(0, at);
        var scheme = user.IndexOf("://", StringComparison.Ordinal);
        // An @ in a path or a query has anything behind it.
        if (user[(scheme < 0 ? 0 : scheme + 3)..].ContainsAny('/', '?', '#')) return Mask;
        return UnmistakableHost().IsMatch(part.AsSpan(at + 1)) ? $"{Mask}@{part[(at + 1)..]}" : Mask;
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

    /// <summary>A port is one only where nothing follows that would make it the beginning of something else.</summary>
    [GeneratedRegex(
        @"^((?<scheme>[A-Za-z][A-Za-z0-9+.-]*)(?<slashes>:/{1,3}))?(?<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
        + @"(?<port>:[0-9]{1,6}(?=$|[/?\#]))?(?<rest>.*)$",
        RegexOptions.Singleline)]
    private static partial Regex Endpoint();

    /// <summary>With a dot, a port or brackets: a single word may be the end of a password.</summary>
    [GeneratedRegex(@"^(\[[0-9A-Fa-f:.]+\](:[0-9]{1,6})?|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]{1,6})?|[A-Za-z0-9-]+:[0-9]{1,6})/?$")]
    private static partial Regex UnmistakableHost();
}
