using System.Globalization;
using System.Text.Json.Nodes;

namespace Flannel.Testbed;

/// <summary>An ECS instance of the simulated cloud, with its one network interface.</summary>
public sealed record WorldInstance(int Number, string InstanceId, string NetworkInterfaceId, string Mac, string PrivateIp, string VSwitchId)
{
    /// <summary>What cloud-init is to do at the first boot, for a test that boots the instance.</summary>
    public string? UserData { get; init; }
}

/// <summary>The simulated cloud before anything happened: one VPC, two vSwitches on the system route table, instances with a RAM role.</summary>
public sealed class World
{
    public const string RegionId = "cn-hangzhou";
    public const string VpcId = "vpc-bp1flannel";
    public const string VpcCidr = "192.168.0.0/16";
    public const string RouteTableId = "vtb-bp1system";
    public const string RoleName = "FlannelRole";

    /// <summary>Where the router answers in each vSwitch.</summary>
    public const int GatewayHost = 253;

    /// <summary>A permanent access key that the cloud knows, for tests of the ways to hand one over. The secret must never be printed.</summary>
    public const string AccessKeyId = "LTAI5tFlannelTestKey0001";

    public const string AccessKeySecret = $"kP7{SecretWatch.Mark}9xQ2mZ4vB1";

    /// <summary>A role of another account, which trusts that key, the instances' role and the OIDC provider.</summary>
    public const string OtherRoleArn = "acs:ram::9876543210987654:role/FlannelRouter";

    public const string OidcProviderArn = "acs:ram::1234567890123456:oidc-provider/flannel";

    /// <summary>What that provider vouches for. It goes to STS, in the clear where the test bed speaks http, and nowhere else.</summary>
    public const string OidcToken = $"ey1.{SecretWatch.TokenMark}.77";

    /// <summary>How long the cloud takes to settle a route write; the measured cloud of the issue: 500.</summary>
    public int RouteWriteMilliseconds { get; init; } = 100;

    public int ApiLatencyMilliseconds { get; init; }

    public int MetadataLatencyMilliseconds { get; init; }

    public int RouteEntryQuota { get; init; } = 200;

    public int RoleCredentialLifetimeSeconds { get; init; } = 6 * 60 * 60;

    /// <summary>Whether the metadata service refuses requests without a token.</summary>
    public bool HardenedMetadata { get; init; }

    /// <summary>False: no instance has a RAM role.</summary>
    public bool HasRole { get; init; } = true;

    /// <summary>Whether STS is asked for keys: its answers hold them, in the clear here.</summary>
    public bool IsRoleAssumed { get; init; }

    /// <summary>The actions that the role may not do, such as <c>vpc:DeleteRouteEntry</c>.</summary>
    public IReadOnlyList<string> DeniedActions { get; init; } = [];

    /// <summary>What real instances have had since 2025 unless their owner knew better: foreign addresses are dropped.</summary>
    public bool SourceDestCheck { get; init; } = true;

    public required IReadOnlyList<WorldInstance> Instances { get; init; }

    /// <summary>Instances 1 to n, 192.168.1.11 and on, every third in the second vSwitch (192.168.2.…).</summary>
    public static IReadOnlyList<WorldInstance> MakeInstances(int count) => [.. Enumerable.Range(1, count).Select(Make)];

    /// <param name="perInstancePort">One metadata listener per instance on the loopback, instead of telling callers apart by their address.</param>
    public JsonObject ToJson(bool perInstancePort) => new()
    {
        ["regionId"] = RegionId,
        ["accountId"] = "1234567890123456",
        ["settings"] = new JsonObject
        {
            ["routeWriteMilliseconds"] = RouteWriteMilliseconds,
            ["apiLatencyMilliseconds"] = ApiLatencyMilliseconds,
            ["metadataLatencyMilliseconds"] = MetadataLatencyMilliseconds,
            ["routeEntryQuota"] = RouteEntryQuota,
            ["issuedSecretMark"] = SecretWatch.Mark,
            ["issuedTokenMark"] = SecretWatch.TokenMark,
            ["roleCredentialLifetimeSeconds"] = RoleCredentialLifetimeSeconds,
            ["newInterfaceSourceDestCheck"] = SourceDestCheck,
        },
        ["accessKeys"] = new JsonArray(new JsonObject
        {
            ["id"] = AccessKeyId,
            ["secret"] = AccessKeySecret,
            ["deniedActions"] = new JsonArray(),
            ["inactive"] = false,
        }),
        ["roles"] = new JsonArray(
            new JsonObject { ["name"] = RoleName, ["deniedActions"] = new JsonArray([.. DeniedActions.Select(action => JsonValue.Create(action))]) },
            new JsonObject { ["name"] = "FlannelRouter", ["accountId"] = "9876543210987654", ["trustedBy"] = new JsonArray(AccessKeyId, RoleName, "flannel") }),
        ["oidcProviders"] = new JsonArray(new JsonObject { ["name"] = "flannel", ["tokens"] = new JsonArray(OidcToken) }),
        ["vpcs"] = new JsonArray(new JsonObject
        {
            ["vpcId"] = VpcId,
            ["cidrBlock"] = VpcCidr,
            ["secondaryCidrBlocks"] = new JsonArray(),
            ["userCidrs"] = new JsonArray(),
            ["routeTables"] = new JsonArray(new JsonObject
            {
                ["routeTableId"] = RouteTableId,
                ["routeTableType"] = "System",
                ["associateType"] = "VSwitch",
                ["entries"] = new JsonArray(),
            }),
            ["vSwitches"] = new JsonArray(VSwitch(1, "h"), VSwitch(2, "i")),
        }),
        ["instances"] = new JsonArray([.. Instances.Select(instance => ToJson(instance, perInstancePort))]),
    };

    private static JsonObject VSwitch(int number, string zone) => new()
    {
        ["vSwitchId"] = $"vsw-bp{number}flannel",
        ["cidrBlock"] = $"192.168.{number}.0/24",
        ["zoneId"] = $"{RegionId}-{zone}",
        ["routeTableId"] = RouteTableId,
    };

    private JsonObject ToJson(WorldInstance instance, bool perInstancePort) => new()
    {
        ["instanceId"] = instance.InstanceId,
        ["ramRole"] = HasRole ? RoleName : null,
        ["hardenedMetadata"] = HardenedMetadata,
        ["userData"] = instance.UserData,
        ["metadataPort"] = perInstancePort ? 0 : null,
        ["interfaces"] = new JsonArray(new JsonObject
        {
            ["networkInterfaceId"] = instance.NetworkInterfaceId,
            // The loopback of a machine has this one and the daemon must find its interface by it.
            ["mac"] = perInstancePort ? "00:00:00:00:00:00" : instance.Mac,
            ["vSwitchId"] = instance.VSwitchId,
            ["privateIp"] = instance.PrivateIp,
            ["primary"] = true,
            ["sourceDestCheck"] = SourceDestCheck,
        }),
    };

    private static WorldInstance Make(int number)
    {
        var vSwitch = number % 3 == 0 ? 2 : 1;
        var id = number.ToString("d4", CultureInfo.InvariantCulture);
        return new WorldInstance(number, $"i-bp1node{id}", $"eni-bp1node{id}", $"00:16:3e:00:{number / 256:x2}:{number % 256:x2}", $"192.168.{vSwitch}.{10 + number}", $"vsw-bp{vSwitch}flannel");
    }
}
