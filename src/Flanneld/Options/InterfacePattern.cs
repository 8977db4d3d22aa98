using System.Text.RegularExpressions;

namespace Flanneld.Options;

/// <summary>A pattern of <c>--iface-regex</c>. A match that takes longer than a second throws
/// <see cref="RegexMatchTimeoutException"/>.</summary>
internal static class InterfacePattern
{
    /// <summary>Sets the process-wide limit of .NET's plain constructor. .NET reads it once, when the process first uses a regular
    /// expression: call this before. The constructor with a limit also takes options, and links the regex engines that the options select,
    /// which this program does not use.</summary>
    public static void LimitTime() => AppContext.SetData("REGEX_DEFAULT_MATCH_TIMEOUT", TimeSpan.FromSeconds(1));

    /// <exception cref="ArgumentException">The text is not a regular expression.</exception>
    public static Regex Compile(string pattern) => new(pattern);
}
