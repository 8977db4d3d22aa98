namespace Flannel.Core;

/// <summary>Values that all nodes of a cluster share with upstream flannel, or that are documented to users. None of them may be
/// tuned.</summary>
public static class FlannelContract
{
    /// <summary>How long a lease lives without renewal: 24 h (upstream <c>subnetTTL</c>).</summary>
    public static readonly TimeSpan LeaseTime = TimeSpan.FromHours(24);

    public const string AliVpcBackend = "ali-vpc";
    public const string AllocBackend = "alloc";
    public const string VxlanBackend = "vxlan";

    /// <summary>Upstream's backend for a configuration without <c>Backend</c>; this build does not have it.</summary>
    public const string DefaultBackend = "udp";

    /// <summary>The backends of this build, for messages.</summary>
    public const string Backends = "ali-vpc, alloc, vxlan";

    /// <summary>A valid network configuration, for messages.</summary>
    public const string ExampleConfig = """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""";
}
