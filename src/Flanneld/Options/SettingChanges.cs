using Flannel.Core;
using Flanneld.Options.Installed;

namespace Flanneld.Options;

/// <summary>The settings that a process was started with.</summary>
/// <param name="Arguments">Of its command line.</param>
internal sealed record StartSettings(IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment);

/// <summary>What differs between the settings of a running daemon and those that its service would start with now. Pure.</summary>
/// <param name="Verbosity">The value of <c>-v</c> now; a failure if it is invalid.</param>
/// <param name="NeedRestart">The other settings that differ, one line each, without values.</param>
/// <param name="Problems">Values that the next start would reject, one line each.</param>
internal sealed record SettingChanges(Result<int> Verbosity, IReadOnlyList<string> NeedRestart, IReadOnlyList<string> Problems)
{
    private const string VerbosityFlag = "v";

    /// <summary>Fails if a command line cannot be split into flags.</summary>
    public static Result<SettingChanges> Find(StartSettings start, InstalledSettings now)
    {
        var given = CommandLine.ParseFlags(start.Arguments);
        if (!given.Ok) return Result.Failure(given.Error);
        var unit = CommandLine.ParseFlags(now.Arguments).WithErrorPrefix($"{now.ArgumentsSource}: ");
        if (!unit.Ok) return Result.Failure(unit.Error);
        SettingLayer[] before = [SettingLayer.OfFlags(given.Value), SettingLayer.OfVariables(start.Environment)];
        SettingLayer[] after = now.IsFromUnit
            ? [SettingLayer.OfInstalledFlags(unit.Value, now), SettingLayer.OfInstalledVariables(now)]
            // The command line of the unit is not known: that of the process stays, after the variable that the packages' unit inserts.
            : [SettingLayer.OfInstalledFlags(unit.Value, now), before[0], SettingLayer.OfInstalledVariables(now)];
        List<string> needRestart = [];
        List<string> problems = [];
        foreach (var flag in Flags.All.Where(flag => flag is { Only: null, IsRequest: false, Name: not VerbosityFlag }))
        {
            var (old, current) = (ValuesOf(flag, before), ValuesOf(flag, after));
            if (old.Select(value => TextOf(flag, value)).SequenceEqual(current.Select(value => TextOf(flag, value)))) continue;
            if (current.Count > 0)
            {
                needRestart.Add($"{SettingOf(flag, current[0])} changed in {current[0].Source}");
                problems.AddRange(FindProblems(flag, current));
            }
            else if (now.IsFromUnit)
            {
                needRestart.Add($"{SettingOf(flag, old[0])} is no longer set for the service");
            }
        }

        return new SettingChanges(ReadVerbosity(after), needRestart, problems);
    }

    private static IReadOnlyList<GivenValue> ValuesOf(Flag flag, SettingLayer[] layers) =>
        layers.Select(layer => layer.Find(flag)).FirstOrDefault(values => values.Count > 0) ?? [];

    private static string TextOf(Flag flag, GivenValue value) => SettingReader.Trim(flag, value.Text ?? "true");

    private static string SettingOf(Flag flag, GivenValue value) => value.IsOnCommandLine ? flag.ShownName : flag.EnvironmentName;

    private static IEnumerable<string> FindProblems(Flag flag, IReadOnlyList<GivenValue> values) => values
        .Select(value => flag.Read(new DaemonOptions(), TextOf(flag, value)).WithErrorPrefix($"{value.Name}: "))
        .Where(read => !read.Ok).Select(read => $"{read.Error}; the next start fails");

    private static Result<int> ReadVerbosity(SettingLayer[] layers)
    {
        var flag = Flags.All.First(flag => flag.Name == VerbosityFlag);
        var options = new DaemonOptions();
        if (ValuesOf(flag, layers) is not [.., var last]) return options.Verbosity;
        var read = flag.Read(options, TextOf(flag, last)).WithErrorPrefix($"{last.Name}: ");
        return read.Ok ? options.Verbosity : Result.Failure(read.Error);
    }
}
