using AliCloud.Simulator.Setup;

namespace AliCloud.Simulator.State;

// The resources of the cloud. They are read and changed only under CloudState.Gate.

internal sealed class Vpc(string id, Cidr cidr, IReadOnlyList<Cidr> secondaryCidrs, IReadOnlyList<string> userCidrs)
{
    public string Id => id;
    public Cidr Cidr => cidr;
    public IReadOnlyList<Cidr> SecondaryCidrs => secondaryCidrs;
    public IReadOnlyList<string> UserCidrs => userCidrs;

    /// <summary>Null without IPv6.</summary>
    public Cidr? Ipv6Cidr { get; set; }
    public string RouterId { get; } = "vrt-" + id;
    public List<RouteTable> Tables { get; } = [];
    public List<VSwitch> VSwitches { get; } = [];
}

internal sealed class VSwitch(string id, Vpc vpc, Cidr cidr, string zoneId, RouteTable table)
{
    public string Id => id;
    public Vpc Vpc => vpc;
    public Cidr Cidr => cidr;
    public string ZoneId => zoneId;

    /// <summary>Null without IPv6.</summary>
    public Cidr? Ipv6Cidr { get; init; }
    public RouteTable Table { get; set; } = table;
}

internal sealed class RouteTable(string id, string name, Vpc vpc, string type, string associateType)
{
    public string Id => id;
    public string Name => name;
    public Vpc Vpc => vpc;
    public string Type => type;
    public string AssociateType => associateType;
    public bool IsGateway => associateType == "Gateway";
    public List<RouteEntry> Entries { get; } = [];
    public IEnumerable<VSwitch> VSwitches => vpc.VSwitches.Where(v => v.Table == this);
}

/// <summary>All states of the real API.</summary>
public enum EntryState
{
    Pending,
    Available,
    Modifying,
    Deleting,
}

internal readonly record struct NextHop(string Type, string Id);

internal sealed class RouteEntry(string id, long ordinal, RouteTable table, Cidr destination, string type)
{
    public string Id => id;

    /// <summary>The creation order, by which lists are sorted and continued.</summary>
    public long Ordinal => ordinal;
    public RouteTable Table => table;
    public Cidr Destination => destination;

    /// <summary><c>System</c>, <c>Custom</c>, <c>BGP</c>, <c>CEN</c> or <c>ECR</c>.</summary>
    public string Type => type;
    public required NextHop NextHop { get; set; }
    public string Name { get; set; } = "";
    public string Description { get; set; } = "";
    public string? ServiceType { get; init; }
    public EntryState Status { get; set; } = EntryState.Available;
    public required DateTimeOffset Modified { get; set; }

    /// <summary>When the status becomes final; null if it is final.</summary>
    public DateTimeOffset? SettlesAt { get; set; }

    /// <summary>The new next hop of a <see cref="EntryState.Modifying"/> entry.</summary>
    public NextHop? NextHopAfter { get; set; }
}

internal sealed class Instance(string id)
{
    public string Id => id;
    public string? RamRole { get; set; }
    public bool HardenedMetadata { get; set; }
    public required string HostName { get; init; }
    public string? UserData { get; init; }
    public List<NetworkInterface> Interfaces { get; } = [];
    public NetworkInterface Primary => Interfaces[0];
    public Vpc Vpc => Primary.VSwitch.Vpc;
    public IssuedCredentials? Credentials { get; set; }
}

internal sealed class NetworkInterface(string id, string mac, VSwitch vSwitch, uint privateIp, Instance instance)
{
    public string Id => id;
    public string Mac => mac;
    public VSwitch VSwitch => vSwitch;
    public uint PrivateIp => privateIp;
    public Instance Instance => instance;
    public bool IsPrimary => instance.Primary == this;
    public required bool SourceDestCheck { get; set; }
    public IReadOnlyList<string> Ipv6Addresses { get; set; } = [];
}

/// <summary>A key of a role that the metadata service or STS issued. It expires at <see cref="Expiration"/>, also if a newer one was
/// issued.</summary>
/// <param name="InstanceId">Null if the key of no instance assumed the role.</param>
internal sealed record IssuedCredentials(
    string AccessKeyId, string Secret, string Token, string RoleName, string SessionName, string? InstanceId, DateTimeOffset Issued,
    DateTimeOffset Expiration);

internal sealed class Role(RoleSetup description, string accountId)
{
    public string Name => description.Name;
    public string Arn => $"acs:ram::{accountId}:role/{Name}";
    public string? ExternalId => description.ExternalId;
    public int MaxSessionDurationSeconds => description.MaxSessionDurationSeconds;
    public IReadOnlyList<string> DeniedActions { get; set; } = description.DeniedActions;
    public IReadOnlyList<string> TrustedBy { get; set; } = description.TrustedBy;
}

internal sealed class OidcProvider(OidcProviderSetup description, string accountId)
{
    public string Name => description.Name;
    public string Arn => $"acs:ram::{accountId}:oidc-provider/{Name}";
    public IReadOnlyList<string> Tokens { get; set; } = description.Tokens;

    /// <summary>Former tokens, which have expired.</summary>
    public HashSet<string> Expired { get; } = new(StringComparer.Ordinal);
}
