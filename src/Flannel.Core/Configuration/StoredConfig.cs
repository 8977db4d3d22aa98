namespace Flannel.Core.Configuration;

/// <summary>The network configuration as the subnet manager has it. Immutable.</summary>
/// <param name="Value">Null if there is none. It may contain a secret: never print it as it is.</param>
/// <param name="ModRevision">The subnet manager's revision of the last write; 0 if there is none, and for a file.</param>
public sealed record StoredConfig(ReadOnlyMemory<byte>? Value, long ModRevision)
{
    /// <summary>What the daemon reads from it.</summary>
    public ConfigState Parse()
    {
        if (Value is not { } value) return new ConfigState.Missing();
        var config = NetworkConfigParser.Parse(value.Span);
        return config.Ok ? new ConfigState.Present(config.Value, ModRevision) : new ConfigState.Invalid(config.Error, ModRevision);
    }
}
