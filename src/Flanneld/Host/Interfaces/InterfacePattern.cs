using System.Text.RegularExpressions;

namespace Flanneld.Host.Interfaces;

/// <summary>A pattern of <c>--iface-regex</c>. None may think for longer than a second about one text: then a
/// <see cref="RegexMatchTimeoutException"/> says so.</summary>
internal static class InterfacePattern
{
    // .NET's own setting of the limit for a process that uses the plain constructor. The constructor that takes a limit takes options, and links the
    // engines that options choose with it, which nothing here would use.
    static InterfacePattern() => AppContext.SetData("REGEX_DEFAULT_MATCH_TIMEOUT", TimeSpan.FromSeconds(1));

    /// <exception cref="ArgumentException">The text is no regular expression.</exception>
    public static Regex Compile(string pattern) => new(pattern);
}
