using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Worlds;

/// <summary>What a test wants the cloud to be at the start: the content of <c>world.json</c>.</summary>
public sealed record World
{
    public required string RegionId { get; init; }
    public string AccountId { get; init; } = "1234567890123456";
    public WorldSettings Settings { get; init; } = new();
    public IReadOnlyList<WorldAccessKey> AccessKeys { get; init; } = [];
    public IReadOnlyList<WorldRole> Roles { get; init; } = [];
    public IReadOnlyList<WorldOidcProvider> OidcProviders { get; init; } = [];
    public IReadOnlyList<WorldVpc> Vpcs { get; init; } = [];
    public IReadOnlyList<WorldInstance> Instances { get; init; } = [];
}

/// <summary>How slow, how large and how long-lived things are. All of it can be changed while the simulator runs.</summary>
public sealed record WorldSettings
{
    /// <summary>From a route write's answer until its entries have settled.</summary>
    public int RouteWriteMilliseconds { get; init; } = 500;

    /// <summary>Added to every VPC and ECS call.</summary>
    public int ApiLatencyMilliseconds { get; init; }

    /// <summary>Added to every metadata request.</summary>
    public int MetadataLatencyMilliseconds { get; init; }

    /// <summary>Custom entries per route table; the cloud's default is 200.</summary>
    public int RouteEntryQuota { get; init; } = 200;

    /// <summary>Whether the Quotas API keeps that number per region, and then wants to be told which.</summary>
    public bool RouteEntryQuotaHasRegions { get; init; }

    /// <summary>From the issue of a role's credentials until they are dead; the cloud's is six hours.</summary>
    public int RoleCredentialLifetimeSeconds { get; init; } = 21600;

    /// <summary>Letters that every secret which is issued begins with, so that a test can look for them where they must not be.</summary>
    public string IssuedSecretMark { get; init; } = "";

    /// <summary>Letters that every security token which is issued holds, likewise.</summary>
    public string IssuedTokenMark { get; init; } = "";

    /// <summary>How long a <c>NextToken</c> may be continued with.</summary>
    public int NextTokenLifetimeSeconds { get; init; } = 300;

    /// <summary>How far the cloud's clock is ahead of this machine's; negative when behind.</summary>
    public int ClockSkewSeconds { get; init; }

    /// <summary>The source/destination check of an interface whose description says nothing: on, as in new accounts since 2025.</summary>
    public bool NewInterfaceSourceDestCheck { get; init; } = true;
}

/// <summary>A permanent access key.</summary>
public sealed record WorldAccessKey
{
    public required string Id { get; init; }
    public required string Secret { get; init; }

    /// <summary>RAM actions such as <c>vpc:DeleteRouteEntry</c>; a trailing <c>*</c> stands for any rest.</summary>
    public IReadOnlyList<string> DeniedActions { get; init; } = [];
    public bool Inactive { get; init; }
}

/// <summary>A RAM role that instances can carry, and that others may assume.</summary>
public sealed record WorldRole
{
    public required string Name { get; init; }
    public IReadOnlyList<string> DeniedActions { get; init; } = [];

    /// <summary>Whose role it is, as its ARN says; null for the world's own account. Names are unique over all accounts.</summary>
    public string? AccountId { get; init; }

    /// <summary>The trust policy: ids of access keys, names of roles, names of OIDC providers.</summary>
    public IReadOnlyList<string> TrustedBy { get; init; } = [];

    /// <summary>What <c>AssumeRole</c> must say; null for nothing.</summary>
    public string? ExternalId { get; init; }
    public int MaxSessionDurationSeconds { get; init; } = 3600;
}

/// <summary>An OIDC provider of the account, as a cluster with RRSA is one.</summary>
public sealed record WorldOidcProvider
{
    public required string Name { get; init; }

    /// <summary>The tokens that it vouches for now.</summary>
    public IReadOnlyList<string> Tokens { get; init; } = [];
}

public sealed record WorldVpc
{
    public required string VpcId { get; init; }
    public required string CidrBlock { get; init; }
    public IReadOnlyList<string> SecondaryCidrBlocks { get; init; } = [];
    public IReadOnlyList<string> UserCidrs { get; init; } = [];
    public IReadOnlyList<WorldRouteTable> RouteTables { get; init; } = [];
    public IReadOnlyList<WorldVSwitch> VSwitches { get; init; } = [];
}

public sealed record WorldRouteTable
{
    public required string RouteTableId { get; init; }
    public string RouteTableName { get; init; } = "";

    /// <summary><c>System</c> or <c>Custom</c>.</summary>
    public string RouteTableType { get; init; } = "System";

    /// <summary><c>VSwitch</c> or <c>Gateway</c>.</summary>
    public string AssociateType { get; init; } = "VSwitch";
    public IReadOnlyList<WorldRouteEntry> Entries { get; init; } = [];
}

/// <summary>A route entry that the simulator does not make by itself (it makes the system entries).</summary>
public sealed record WorldRouteEntry
{
    public required string DestinationCidrBlock { get; init; }
    public string NextHopType { get; init; } = "Instance";
    public required string NextHopId { get; init; }

    /// <summary><c>Custom</c>, <c>BGP</c>, <c>CEN</c> or <c>ECR</c>.</summary>
    public string Type { get; init; } = "Custom";
    public string RouteEntryName { get; init; } = "";
    public string Description { get; init; } = "";

    /// <summary><c>TR</c> for an entry that a transit router manages.</summary>
    public string? ServiceType { get; init; }
}

public sealed record WorldVSwitch
{
    public required string VSwitchId { get; init; }
    public required string CidrBlock { get; init; }
    public required string ZoneId { get; init; }
    public required string RouteTableId { get; init; }
}

public sealed record WorldInstance
{
    public required string InstanceId { get; init; }
    public string? RamRole { get; init; }

    /// <summary>The metadata service answers this instance only with a token.</summary>
    public bool HardenedMetadata { get; init; }

    /// <summary>What the machine calls itself; null for its id.</summary>
    public string? HostName { get; init; }

    /// <summary>What cloud-init is given at the first boot, as it reads it: not in Base64. At most 16 KB.</summary>
    public string? UserData { get; init; }

    /// <summary>A metadata listener of its own on 127.0.0.1; 0 is any free port.</summary>
    public int? MetadataPort { get; init; }

    /// <summary>The first one is the primary, whatever the others say.</summary>
    public required IReadOnlyList<WorldInterface> Interfaces { get; init; }
}

public sealed record WorldInterface
{
    public required string NetworkInterfaceId { get; init; }
    public required string Mac { get; init; }
    public required string VSwitchId { get; init; }
    public required string PrivateIp { get; init; }
    public bool? Primary { get; init; }
    public bool? SourceDestCheck { get; init; }
}
