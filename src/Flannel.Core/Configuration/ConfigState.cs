namespace Flannel.Core.Configuration;

/// <summary>The network configuration as the subnet manager has it.</summary>
/// <param name="ModRevision">The subnet manager's revision of the last write; 0 if there is no configuration.</param>
public abstract record ConfigState(long ModRevision)
{
    /// <summary>True if revision and content are equal. The revision alone is not sufficient: a new etcd counts from 1 again.</summary>
    public bool IsSameAs(ConfigState other) => ModRevision == other.ModRevision && (this, other) switch
    {
        (Missing, Missing) => true,
        (Invalid invalid, Invalid before) => invalid.Error == before.Error,
        (Present present, Present before) => present.Config.IsSameAs(before.Config),
        _ => false,
    };

    public sealed record Missing() : ConfigState(0);

    /// <param name="Error">One line that names the property and says what it must be.</param>
    public sealed record Invalid(string Error, long ModRevision) : ConfigState(ModRevision);

    public sealed record Present(NetworkConfig Config, long ModRevision) : ConfigState(ModRevision);
}
