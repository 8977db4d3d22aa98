using Flannel.Core.Configuration;

namespace Flannel.Etcd.Registry;

/// <summary>What stands at <c>{prefix}/config</c>.</summary>
/// <param name="ModRevision">etcd's revision of its last write; 0 while there is none.</param>
public abstract record ConfigState(long ModRevision)
{
    /// <summary>Whether both have the same revision and the same content. The revision alone does not tell: an etcd that is made anew
    /// counts from 1 again.</summary>
    public bool IsSameAs(ConfigState other) => ModRevision == other.ModRevision && (this, other) switch
    {
        (Missing, Missing) => true,
        (Refused refused, Refused before) => refused.Error == before.Error,
        (Present present, Present before) => present.Config.IsSameAs(before.Config),
        _ => false,
    };

    public sealed record Missing() : ConfigState(0);

    /// <param name="Error">One line that names the property and what it should be.</param>
    public sealed record Refused(string Error, long ModRevision) : ConfigState(ModRevision);

    public sealed record Present(NetworkConfig Config, long ModRevision) : ConfigState(ModRevision);
}
