using System.Text.RegularExpressions;
using Flannel.Testbed;
using Flanneld.Options;

namespace Flanneld.Tests.Packaging;

/// <summary>The files of <c>packaging/</c>, and the flags that they must document.</summary>
internal static partial class Texts
{
    /// <summary>Flags with which the program does not run as a service.</summary>
    private static readonly string[] s_notForServices = ["dry-run", "help", "version"];

    public static string Path(params string[] below) => System.IO.Path.Combine([Locations.Repository(), "packaging", .. below]);

    public static string Read(params string[] below) => File.ReadAllText(Path(below));

    /// <summary>Of the flags that are documented.</summary>
    public static IEnumerable<string> FlagNames =>
        Flags.All.Where(flag => !flag.IsHidden).Select(flag => flag.Name).Order(StringComparer.Ordinal);

    public static IEnumerable<Flag> Settings => Flags.All.Where(flag => flag.Only is null && !s_notForServices.Contains(flag.Name));

    /// <summary>The distinct names after two dashes.</summary>
    public static IEnumerable<string> FlagsIn(string text) =>
        TwoDashes().Matches(text).Select(match => match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal);

    [GeneratedRegex(@"(?<![\w-])--([a-z][a-z0-9-]*)")]
    private static partial Regex TwoDashes();
}
