using System.Text;
using Flannel.Core;

namespace Flanneld.Options.Installed;

/// <summary>The host whose installed service is read.</summary>
/// <param name="Root">The folder of the files; <c>/</c> outside of tests.</param>
/// <param name="ShowUnit">The output of <c>systemctl show</c> for the arguments; null where systemd does not run.</param>
internal sealed record InstalledHost(string Root, Func<IReadOnlyList<string>, CancellationToken, Task<string?>> ShowUnit);

/// <summary>Reads the settings of the installed service: from systemd where it runs, because drop-ins may add variables and files, and
/// otherwise from the packages' files.</summary>
internal sealed class InstalledSettingsReader(InstalledHost host)
{
    public const string Unit = "flanneld.service";

    /// <summary>The unit inserts the value of this variable, which is flags, into its command line.</summary>
    private const string OptionsVariable = "FLANNELD_OPTIONS";

    private const string StateFolder = "/var/lib";

    /// <summary>Those of the deb and of the rpm, as in the unit.</summary>
    public static readonly IReadOnlyList<UnitEnvironmentFile> PackageFiles =
        [new("/etc/default/flanneld", IsOptional: true), new("/etc/sysconfig/flanneld", IsOptional: true)];

    private readonly Dictionary<string, InstalledVariable> variables = new(StringComparer.Ordinal);
    private readonly List<string> problems = [];

    public async Task<InstalledSettings> ReadAsync(CancellationToken cancellation)
    {
        var shown = await host.ShowUnit(UnitProperties.ShowArguments(Unit), cancellation);
        var unit = shown is null ? null : UnitProperties.Parse(shown);
        foreach (var assignment in unit?.Environment ?? []) Add(assignment);
        foreach (var file in unit?.EnvironmentFiles ?? PackageFiles) Read(file);
        var command = unit is null ? (IReadOnlyList<string>)[$"${OptionsVariable}"] : [.. unit.Command.Skip(1)];
        var arguments = command.SelectMany(Expand).ToList();
        if (unit is { StateDirectory: { Length: > 0 } state }) variables["STATE_DIRECTORY"] = new($"{StateFolder}/{state}", Unit);
        AddCredentials();
        return new InstalledSettings(variables, arguments)
        {
            ArgumentsSource = variables.GetValueOrDefault(OptionsVariable)?.Source ?? Unit,
            IsFromUnit = unit is not null,
            Problems = problems,
        };
    }

    private void Add(string assignment)
    {
        if (assignment.Split('=', 2) is [{ Length: > 0 } name, var value]) variables[name] = new(value, Unit);
    }

    private void Read(UnitEnvironmentFile file)
    {
        switch (SmallFile.Read(PathOf(file.Path)))
        {
            case SmallFileResult.Present present:
                foreach (var (name, value) in EnvironmentFile.Parse(Encoding.UTF8.GetString(present.Content)))
                    variables[name] = new(value, file.Path);
                break;
            case SmallFileResult.Unusable unusable when unusable.Fault != SmallFileFault.Missing || !file.IsOptional:
                problems.Add($"{file.Path} {unusable.Reason}: its settings are not used");
                break;
        }
    }

    /// <summary><c>$NAME</c> as a word of its own is replaced by the words of its value, <c>${NAME}</c> by the value
    /// (systemd.service(5)).</summary>
    private IEnumerable<string> Expand(string word)
    {
        if (word.Length > 1 && word[0] == '$' && word[1] != '{' && word[1] != '$')
            return UnitWords.Split(variables.GetValueOrDefault(word[1..])?.Value ?? "");
        foreach (var (name, variable) in variables) word = word.Replace($"${{{name}}}", variable.Value, StringComparison.Ordinal);
        return [word];
    }

    /// <summary>systemd keeps the credentials of a service in a folder while the service runs. Only root and the service's user may read
    /// it (systemd.exec(5)).</summary>
    private void AddCredentials()
    {
        var folder = $"/run/credentials/{Unit}";
        try
        {
            if (Directory.EnumerateFiles(PathOf(folder)).Any()) variables["CREDENTIALS_DIRECTORY"] = new(PathOf(folder), Unit);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The service does not run, has no credentials, or another user may not read them.
        }
    }

    private string PathOf(string path) => Path.Combine(host.Root, path.TrimStart('/'));
}
