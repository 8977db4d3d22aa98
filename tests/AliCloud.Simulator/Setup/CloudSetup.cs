namespace AliCloud.Simulator.Setup;

/// <summary>The initial state of the cloud: the content of <c>setup.json</c>.</summary>
public sealed record CloudSetup
{
    public required string RegionId { get; init; }
    public string AccountId { get; init; } = "1234567890123456";
    public CloudSettings Settings { get; init; } = new();
    public IReadOnlyList<AccessKeySetup> AccessKeys { get; init; } = [];
    public IReadOnlyList<RoleSetup> Roles { get; init; } = [];
    public IReadOnlyList<OidcProviderSetup> OidcProviders { get; init; } = [];
    public IReadOnlyList<VpcSetup> Vpcs { get; init; } = [];
    public IReadOnlyList<InstanceSetup> Instances { get; init; } = [];
}

/// <summary>Latencies, limits and lifetimes. All of them can be changed while the simulator runs.</summary>
public sealed record CloudSettings
{
    /// <summary>From the response of a route write until its entries have settled.</summary>
    public int RouteWriteMilliseconds { get; init; } = 500;

    /// <summary>Added to every VPC and ECS call.</summary>
    public int ApiLatencyMilliseconds { get; init; }

    /// <summary>Added to every metadata request.</summary>
    public int MetadataLatencyMilliseconds { get; init; }

    /// <summary>Custom entries per route table; the cloud's default is 200.</summary>
    public int RouteEntryQuota { get; init; } = 200;

    /// <summary>True if custom route tables accept IPv6 entries, as a newer guide says. The list of error codes says that they do
    /// not.</summary>
    public bool Ipv6OnCustomTables { get; init; }

    /// <summary>True if the quota has a dimension for the region, which is then required.</summary>
    public bool RouteEntryQuotaHasRegions { get; init; }

    /// <summary>Lifetime of a role's credentials; six hours in the real cloud.</summary>
    public int RoleCredentialLifetimeSeconds { get; init; } = 21600;

    /// <summary>The prefix of every issued secret, so that a test can search for it in logs.</summary>
    public string IssuedSecretMark { get; init; } = "";

    /// <summary>A part of every issued security token, for the same purpose.</summary>
    public string IssuedTokenMark { get; init; } = "";

    /// <summary>Lifetime of a <c>NextToken</c>.</summary>
    public int NextTokenLifetimeSeconds { get; init; } = 300;

    /// <summary>How far the cloud's clock is ahead of this machine's; negative if it is behind.</summary>
    public int ClockSkewSeconds { get; init; }

    /// <summary>The default source/destination check of an interface: on, as in new accounts since 2025.</summary>
    public bool NewInterfaceSourceDestCheck { get; init; } = true;
}

/// <summary>A permanent access key.</summary>
public sealed record AccessKeySetup
{
    public required string Id { get; init; }
    public required string Secret { get; init; }

    /// <summary>RAM actions such as <c>vpc:DeleteRouteEntry</c>; a trailing <c>*</c> matches any text.</summary>
    public IReadOnlyList<string> DeniedActions { get; init; } = [];
    public bool Inactive { get; init; }
}

/// <summary>A RAM role that can be attached to instances, and that others may assume.</summary>
public sealed record RoleSetup
{
    public required string Name { get; init; }
    public IReadOnlyList<string> DeniedActions { get; init; } = [];

    /// <summary>The account of the role, a part of its ARN; null for the account of the setup. Names are unique over all
    /// accounts.</summary>
    public string? AccountId { get; init; }

    /// <summary>The trust policy: ids of access keys, names of roles, names of OIDC providers.</summary>
    public IReadOnlyList<string> TrustedBy { get; init; } = [];

    /// <summary>The external id that <c>AssumeRole</c> must send; null for none.</summary>
    public string? ExternalId { get; init; }
    public int MaxSessionDurationSeconds { get; init; } = 3600;
}

/// <summary>An OIDC provider of the account, such as a cluster with RRSA.</summary>
public sealed record OidcProviderSetup
{
    public required string Name { get; init; }

    /// <summary>The tokens that are valid now.</summary>
    public IReadOnlyList<string> Tokens { get; init; } = [];
}

public sealed record VpcSetup
{
    public required string VpcId { get; init; }
    public required string CidrBlock { get; init; }
    public IReadOnlyList<string> SecondaryCidrBlocks { get; init; } = [];
    public IReadOnlyList<string> UserCidrs { get; init; } = [];

    /// <summary>Null if IPv6 is not enabled.</summary>
    public string? Ipv6CidrBlock { get; init; }
    public IReadOnlyList<RouteTableSetup> RouteTables { get; init; } = [];
    public IReadOnlyList<VSwitchSetup> VSwitches { get; init; } = [];
}

public sealed record RouteTableSetup
{
    public required string RouteTableId { get; init; }
    public string RouteTableName { get; init; } = "";

    /// <summary><c>System</c> or <c>Custom</c>.</summary>
    public string RouteTableType { get; init; } = "System";

    /// <summary><c>VSwitch</c> or <c>Gateway</c>.</summary>
    public string AssociateType { get; init; } = "VSwitch";
    public IReadOnlyList<RouteEntrySetup> Entries { get; init; } = [];
}

/// <summary>A route entry, except the system entries, which the simulator creates.</summary>
public sealed record RouteEntrySetup
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

public sealed record VSwitchSetup
{
    public required string VSwitchId { get; init; }
    public required string CidrBlock { get; init; }

    /// <summary>A part of that of the VPC; null without IPv6.</summary>
    public string? Ipv6CidrBlock { get; init; }
    public required string ZoneId { get; init; }
    public required string RouteTableId { get; init; }
}

public sealed record InstanceSetup
{
    public required string InstanceId { get; init; }
    public string? RamRole { get; init; }

    /// <summary>True if the metadata service requires a token from this instance.</summary>
    public bool HardenedMetadata { get; init; }

    /// <summary>The host name; null for the id of the instance.</summary>
    public string? HostName { get; init; }

    /// <summary>The user data for cloud-init, not in Base64. At most 16 KB.</summary>
    public string? UserData { get; init; }

    /// <summary>The port of the instance's own metadata service on 127.0.0.1; 0 for any free port.</summary>
    public int? MetadataPort { get; init; }

    /// <summary>The first interface is the primary one.</summary>
    public required IReadOnlyList<InterfaceSetup> Interfaces { get; init; }
}

public sealed record InterfaceSetup
{
    public required string NetworkInterfaceId { get; init; }
    public required string Mac { get; init; }
    public required string VSwitchId { get; init; }
    public required string PrivateIp { get; init; }
    public bool? Primary { get; init; }

    /// <summary>In the IPv6 range of the vSwitch, if that is known.</summary>
    public IReadOnlyList<string> Ipv6s { get; init; } = [];
    public bool? SourceDestCheck { get; init; }
}
