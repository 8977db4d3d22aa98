using Flanneld.Options.Installed;

namespace Flanneld.Options;

/// <summary>A value of a flag as it is given.</summary>
/// <param name="Text">Null for a boolean without a value.</param>
/// <param name="Name">For an error: the flag or the variable.</param>
/// <param name="Source">Where it stands: the command line, the environment, a file, or a unit.</param>
/// <param name="IsOnCommandLine">Of this process or of the service.</param>
internal sealed record GivenValue(string? Text, string Name, string Source, bool IsOnCommandLine);

/// <summary>Where a setting that is not the default came from.</summary>
/// <param name="Name">The flag, with dashes.</param>
/// <param name="Source">The command line, the environment, a file, or a unit.</param>
/// <param name="Value">Without a secret.</param>
internal sealed record SettingSource(string Name, string Source, string Value);

/// <summary>One of the places that a setting may stand in.</summary>
/// <param name="Find">The values of a flag in their order; empty if it has none.</param>
/// <param name="IsInstalled">Of the installed service, and not of this process.</param>
internal sealed record SettingLayer(Func<Flag, IReadOnlyList<GivenValue>> Find, bool IsInstalled)
{
    public static SettingLayer OfFlags(IReadOnlyList<GivenFlag> given) =>
        new(flag => ValuesOf(flag, given, "the command line", flag.ShownName), IsInstalled: false);

    public static SettingLayer OfVariables(IReadOnlyDictionary<string, string> environment) => new(
        flag => VariableOf(flag, environment.GetValueOrDefault(flag.EnvironmentName), "the environment", flag.EnvironmentName),
        IsInstalled: false);

    public static SettingLayer OfInstalledFlags(IReadOnlyList<GivenFlag> given, InstalledSettings installed) => new(
        flag => ValuesOf(flag, given, installed.ArgumentsSource, $"{flag.ShownName} in {installed.ArgumentsSource}"),
        IsInstalled: true);

    public static SettingLayer OfInstalledVariables(InstalledSettings installed) => new(
        flag => installed.Variables.GetValueOrDefault(flag.EnvironmentName) is { } variable
            ? VariableOf(flag, variable.Value, variable.Source, $"{flag.EnvironmentName} in {variable.Source}")
            : [],
        IsInstalled: true);

    /// <summary>The last value of a flag is used, as in Go.</summary>
    private static List<GivenValue> ValuesOf(Flag flag, IReadOnlyList<GivenFlag> given, string source, string name)
    {
        var values = given.Where(other => other.Name == flag.Name)
            .Select(other => new GivenValue(other.Value, name, source, IsOnCommandLine: true)).ToList();
        return flag.IsRepeatable || values.Count < 2 ? values : [values[^1]];
    }

    private static GivenValue[] VariableOf(Flag flag, string? text, string source, string name) =>
        flag.HasVariable && SettingReader.Trim(flag, text ?? "").Length > 0
            ? [new GivenValue(text, name, source, IsOnCommandLine: false)]
            : [];
}
