namespace Flanneld.Options.Installed;

/// <summary>A file of <c>EnvironmentFile=</c>.</summary>
/// <param name="IsOptional">It is no error that it does not exist.</param>
internal sealed record UnitEnvironmentFile(string Path, bool IsOptional);

/// <summary>The properties of a unit that <c>systemctl show</c> prints. Pure.</summary>
/// <param name="Environment">Of <c>Environment=</c>, in the form NAME=VALUE.</param>
/// <param name="EnvironmentFiles">In the order in which systemd reads them, after <paramref name="Environment"/>.</param>
/// <param name="Command">The words of <c>ExecStart=</c>; the first is the program. systemctl prints them without quotation marks.</param>
internal sealed record UnitProperties(
    IReadOnlyList<string> Environment, IReadOnlyList<UnitEnvironmentFile> EnvironmentFiles, IReadOnlyList<string> Command)
{
    private const string OptionalMark = "(ignore_errors=yes)";
    private const string CommandMark = "argv[]=";

    /// <summary>The arguments of <c>systemctl</c> whose output <see cref="Parse"/> reads.</summary>
    public static IReadOnlyList<string> ShowArguments(string unit) =>
        ["show", "--no-pager", "--property=LoadState,Environment,EnvironmentFiles,ExecStart,StateDirectory", unit];

    /// <summary>A folder below /var/lib; empty without one.</summary>
    public string StateDirectory { get; private init; } = "";

    /// <returns>Null if the unit is not installed.</returns>
    public static UnitProperties? Parse(string output)
    {
        var lines = output.Split('\n').Select(line => line.Split('=', 2)).Where(parts => parts.Length == 2).ToList();
        if (!lines.Any(parts => parts is ["LoadState", "loaded"])) return null;
        return new UnitProperties(
            [.. ValuesOf(lines, "Environment").SelectMany(UnitWords.Split)],
            [.. ValuesOf(lines, "EnvironmentFiles").Where(value => value.Length > 0).Select(ParseFile)],
            [.. ValuesOf(lines, "ExecStart").Select(ParseCommand).LastOrDefault() ?? []])
        {
            StateDirectory = ValuesOf(lines, "StateDirectory").SelectMany(UnitWords.Split).FirstOrDefault() ?? "",
        };
    }

    private static IEnumerable<string> ValuesOf(List<string[]> lines, string name) =>
        lines.Where(parts => parts[0] == name).Select(parts => parts[1].Trim());

    private static UnitEnvironmentFile ParseFile(string value)
    {
        var mark = value.LastIndexOf(" (ignore_errors=", StringComparison.Ordinal);
        return new UnitEnvironmentFile(mark < 0 ? value : value[..mark], value.EndsWith(OptionalMark, StringComparison.Ordinal));
    }

    /// <summary><c>{ path=/usr/sbin/flanneld ; argv[]=/usr/sbin/flanneld -v 1 ; ignore_errors=no ; … }</c>.</summary>
    private static string[] ParseCommand(string value)
    {
        var start = value.IndexOf(CommandMark, StringComparison.Ordinal);
        if (start < 0) return [];
        start += CommandMark.Length;
        var end = value.IndexOf(" ; ", start, StringComparison.Ordinal);
        return (end < 0 ? value[start..] : value[start..end]).Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }
}
