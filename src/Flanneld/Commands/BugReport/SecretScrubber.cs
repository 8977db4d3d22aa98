using System.Text.RegularExpressions;
using Flannel.Core;

namespace Flanneld.Commands.BugReport;

/// <summary>Removes secrets from text of any program: the values that are known, and what looks like a secret. It rather replaces too
/// much.</summary>
/// <param name="known">Secrets of this host. A short one is not replaced by its value, because it may be an ordinary word.</param>
internal sealed partial class SecretScrubber(IEnumerable<string> known)
{
    private const int ShortestKnown = 6;

    // The process has a limit of one second, which is for a pattern on the command line. These patterns read a long text quickly.
    private const int NoLimit = Timeout.Infinite;

    /// <summary>Names before a colon that are certainly followed by a secret.</summary>
    private static readonly string[] CertainNames = ["SECRET", "PASSWORD", "PASSWD", "AUTHORIZATION"];

    /// <summary>The longest first: one may contain another.</summary>
    private readonly IReadOnlyList<string> secrets =
    [
        .. known.SelectMany(secret => new[] { secret, Uri.EscapeDataString(secret), ReportText.Of(secret) })
            .Where(secret => secret.Length >= ShortestKnown).Distinct().OrderByDescending(secret => secret.Length),
    ];

    public string Scrub(string text)
    {
        text = PrivateKey().Replace(text, _ => $"-----BEGIN PRIVATE KEY-----{Redaction.Mask}");
        foreach (var secret in secrets) text = text.Replace(secret, Redaction.Mask, StringComparison.Ordinal);
        text = UserInformation().Replace(text, match => $"{match.Groups["kept"].ValueSpan}{Redaction.Mask}@");
        text = PasswordFlag().Replace(text, MaskEnd);
        text = Assignment().Replace(text, MaskAssignment);
        return AccessKeyId().Replace(text, MaskEnd);
    }

    private static string MaskEnd(Match match) => match.Groups["kept"].Value + Redaction.Mask;

    private static string MaskAssignment(Match match)
    {
        var (name, separator, value) = (match.Groups["name"].Value, match.Groups["separator"].Value, match.Groups["value"].Value);
        var upper = name.ToUpperInvariant();
        // A path, a number of seconds or a truth is no secret.
        var isKept = upper.EndsWith("FILE", StringComparison.Ordinal) || upper.EndsWith("DIRECTORY", StringComparison.Ordinal)
            || name.StartsWith("LoadCredential", StringComparison.OrdinalIgnoreCase)
            || value is "true" or "false" or "null" or "yes" or "no" or Redaction.Mask;
        var isSentence = separator.TrimEnd() == ":" && !CertainNames.Any(certain => upper.Contains(certain, StringComparison.Ordinal));
        if (isKept || isSentence) return match.Value;
        return value[0] is '"' or '\'' ? $"{name}{separator}{value[0]}{Redaction.Mask}{value[0]}" : $"{name}{separator}{Redaction.Mask}";
    }

    /// <summary>Without an end it reaches to the end of the text.</summary>
    [GeneratedRegex(@"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\z)", RegexOptions.Singleline, NoLimit)]
    private static partial Regex PrivateKey();

    /// <summary>Of an endpoint, or of a proxy without a scheme. A password may contain a slash or an @.</summary>
    [GeneratedRegex(@"(?<kept>[a-z][a-z0-9+.-]{0,20}://|_proxy=[""']?)[^\s""'<>]*@", RegexOptions.IgnoreCase, NoLimit)]
    private static partial Regex UserInformation();

    [GeneratedRegex(@"(?<kept>--?etcd-password[ =]|--?etcd-username[ =][^\s:]*:)(""[^""]*""|'[^']*'|\S+)", RegexOptions.None, NoLimit)]
    private static partial Regex PasswordFlag();

    /// <summary><c>NAME=value</c>, <c>"name":"value"</c> or <c>name: value</c>.</summary>
    [GeneratedRegex(
        @"(?<![A-Za-z0-9_.-])(?<name>[A-Za-z0-9_.-]*(?:secret|password|passwd|passphrase|token|credential|private[_-]?key|access[_-]?key"
        + @"|authorization|signature)[A-Za-z0-9_.-]*)(?<separator>=|""?\s*:\s*)"
        + @"(?<value>""(?:\\.|[^""\\])*""|'[^']*'|((bearer|basic)\s+)?[^\s,;}""']+)",
        RegexOptions.IgnoreCase, NoLimit)]
    private static partial Regex Assignment();

    /// <summary>The id of an access key of the cloud, permanent or temporary.</summary>
    [GeneratedRegex(@"\b(?<kept>LTAI|STS\.)[A-Za-z0-9]{8,}", RegexOptions.None, NoLimit)]
    private static partial Regex AccessKeyId();
}
