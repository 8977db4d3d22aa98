namespace Flanneld.Options.Installed;

/// <summary>A variable of the installed service.</summary>
/// <param name="Source">The file, or the unit.</param>
internal sealed record InstalledVariable(string Value, string Source);

/// <summary>What the installed service starts with, so that a command on the same host speaks to the same etcd and the same cloud.
/// Immutable.</summary>
/// <param name="Variables">By name.</param>
/// <param name="Arguments">The flags of its command line.</param>
internal sealed record InstalledSettings(IReadOnlyDictionary<string, InstalledVariable> Variables, IReadOnlyList<string> Arguments)
{
    public static readonly InstalledSettings None = new(new Dictionary<string, InstalledVariable>(), []);

    /// <summary>Where the flags of its command line stand.</summary>
    public string ArgumentsSource { get; init; } = "";

    /// <summary>Whether systemd named the files and the command line. Otherwise they are those of the packages, and a drop-in may add
    /// others.</summary>
    public bool IsFromUnit { get; init; }

    /// <summary>What could not be read, one line each.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>The environment of a command: that of the service where the process has no value of its own.</summary>
    public IReadOnlyDictionary<string, string> ApplyTo(IReadOnlyDictionary<string, string> environment)
    {
        if (Variables.Count == 0) return environment;
        var result = Variables.ToDictionary(variable => variable.Key, variable => variable.Value.Value, StringComparer.Ordinal);
        foreach (var (name, value) in environment) result[name] = value;
        return result;
    }
}
