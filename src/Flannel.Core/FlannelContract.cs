namespace Flannel.Core;

/// <summary>What is fixed between all flannels of a cluster, or documented to users; none of it is a matter of tuning.</summary>
public static class FlannelContract
{
    /// <summary>How long a lease lives without renewal: 24 h (upstream <c>subnetTTL</c>).</summary>
    public static readonly TimeSpan LeaseTime = TimeSpan.FromHours(24);

    public const string AliVpcBackend = "ali-vpc";
    public const string AllocBackend = "alloc";

    /// <summary>What upstream takes for a configuration without <c>Backend</c>; this build does not have it.</summary>
    public const string DefaultBackend = "udp";

    /// <summary>The backends of this build, for the line that refuses another one.</summary>
    public const string Backends = "ali-vpc, alloc";
}
