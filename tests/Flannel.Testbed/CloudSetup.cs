using System.Globalization;
using System.Text.Json.Nodes;

namespace Flannel.Testbed;

/// <summary>An ECS instance of the simulated cloud, with its one network interface.</summary>
public sealed record InstanceSetup(int Number, string InstanceId, string NetworkInterfaceId, string Mac, string PrivateIp, string VSwitchId)
{
    /// <summary>The user data for cloud-init, for a test that boots the instance.</summary>
    public string? UserData { get; init; }
}

/// <summary>The initial state of the simulated cloud: one VPC, two vSwitches on the system route table, instances with a RAM
/// role.</summary>
public sealed class CloudSetup
{
    public const string RegionId = "cn-hangzhou";
    public const string VpcId = "vpc-bp1flannel";
    public const string VpcCidr = "192.168.0.0/16";
    public const string RouteTableId = "vtb-bp1system";
    public const string RoleName = "FlannelRole";

    /// <summary>The last byte of the router's address in each vSwitch.</summary>
    public const int GatewayHost = 253;

    /// <summary>A permanent access key of the cloud.</summary>
    public const string AccessKeyId = "LTAI5tFlannelTestKey0001";

    public const string AccessKeySecret = $"kP7{SecretScanner.Marker}9xQ2mZ4vB1";

    /// <summary>A role of another account. It trusts the access key, the role of the instances and the OIDC provider.</summary>
    public const string OtherRoleArn = $"acs:ram::9876543210987654:role/{OtherRoleName}";
    public const string OtherRoleName = "FlannelRouter";

    public const string OidcProviderName = "flannel";
    public const string OidcProviderArn = $"acs:ram::1234567890123456:oidc-provider/{OidcProviderName}";

    /// <summary>A token that the provider accepts. It may be sent only to STS.</summary>
    public const string OidcToken = $"ey1.{SecretScanner.TokenMarker}.77";

    /// <summary>The time from a route write to its status Available.</summary>
    public int RouteWriteMilliseconds { get; init; } = 100;

    public int ApiLatencyMilliseconds { get; init; }

    public int MetadataLatencyMilliseconds { get; init; }

    public int RouteEntryQuota { get; init; } = 200;

    public int RoleCredentialLifetimeSeconds { get; init; } = 6 * 60 * 60;

    /// <summary>Whether the metadata service requires a token.</summary>
    public bool HardenedMetadata { get; init; }

    /// <summary>Whether the instances have a RAM role.</summary>
    public bool HasRole { get; init; } = true;

    /// <summary>Whether STS issues keys; its responses then contain them in plain text.</summary>
    public bool IsRoleAssumed { get; init; }

    /// <summary>The actions that the role does not allow, such as <c>vpc:DeleteRouteEntry</c>.</summary>
    public IReadOnlyList<string> DeniedActions { get; init; } = [];

    /// <summary>Whether the interfaces drop packets with addresses of others; on by default for new instances since 2025.</summary>
    public bool SourceDestCheck { get; init; } = true;

    public required IReadOnlyList<InstanceSetup> Instances { get; init; }

    /// <summary>Instances 1 to n with the addresses 192.168.1.11, 192.168.1.12, …; every third is in the second vSwitch
    /// (192.168.2.…).</summary>
    public static IReadOnlyList<InstanceSetup> MakeInstances(int count) => [.. Enumerable.Range(1, count).Select(Make)];

    /// <param name="perInstancePort">Whether each instance has a metadata listener on the loopback; otherwise one listener tells instances
    /// apart by their address.</param>
    public JsonObject ToJson(bool perInstancePort) => new()
    {
        ["regionId"] = RegionId,
        ["accountId"] = "1234567890123456",
        ["settings"] = SettingsToJson(),
        ["accessKeys"] = new JsonArray(new JsonObject
        {
            ["id"] = AccessKeyId,
            ["secret"] = AccessKeySecret,
            ["deniedActions"] = new JsonArray(),
            ["inactive"] = false,
        }),
        ["roles"] = RolesToJson(),
        ["oidcProviders"] = new JsonArray(new JsonObject { ["name"] = OidcProviderName, ["tokens"] = new JsonArray(OidcToken) }),
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

    private JsonObject SettingsToJson() => new()
    {
        ["routeWriteMilliseconds"] = RouteWriteMilliseconds,
        ["apiLatencyMilliseconds"] = ApiLatencyMilliseconds,
        ["metadataLatencyMilliseconds"] = MetadataLatencyMilliseconds,
        ["routeEntryQuota"] = RouteEntryQuota,
        ["issuedSecretMark"] = SecretScanner.Marker,
        ["issuedTokenMark"] = SecretScanner.TokenMarker,
        ["roleCredentialLifetimeSeconds"] = RoleCredentialLifetimeSeconds,
        ["newInterfaceSourceDestCheck"] = SourceDestCheck,
    };

    private JsonArray RolesToJson() => new(
        new JsonObject
        {
            ["name"] = RoleName,
            ["deniedActions"] = new JsonArray([.. DeniedActions.Select(action => JsonValue.Create(action))]),
        },
        new JsonObject
        {
            ["name"] = OtherRoleName,
            ["accountId"] = "9876543210987654",
            ["trustedBy"] = new JsonArray(AccessKeyId, RoleName, OidcProviderName),
        });

    private static JsonObject VSwitch(int number, string zone) => new()
    {
        ["vSwitchId"] = $"vsw-bp{number}flannel",
        ["cidrBlock"] = $"192.168.{number}.0/24",
        ["zoneId"] = $"{RegionId}-{zone}",
        ["routeTableId"] = RouteTableId,
    };

    private JsonObject ToJson(InstanceSetup instance, bool perInstancePort) => new()
    {
        ["instanceId"] = instance.InstanceId,
        ["ramRole"] = HasRole ? RoleName : null,
        ["hardenedMetadata"] = HardenedMetadata,
        ["userData"] = instance.UserData,
        ["metadataPort"] = perInstancePort ? 0 : null,
        ["interfaces"] = new JsonArray(new JsonObject
        {
            ["networkInterfaceId"] = instance.NetworkInterfaceId,
            // The MAC address of the loopback interface, by which the daemon finds its interface.
            ["mac"] = perInstancePort ? "00:00:00:00:00:00" : instance.Mac,
            ["vSwitchId"] = instance.VSwitchId,
            ["privateIp"] = instance.PrivateIp,
            ["primary"] = true,
            ["sourceDestCheck"] = SourceDestCheck,
        }),
    };

    private static InstanceSetup Make(int number)
    {
        var vSwitch = number % 3 == 0 ? 2 : 1;
        var id = number.ToString("d4", CultureInfo.InvariantCulture);
        return new InstanceSetup(
            number, $"i-bp1node{id}", $"eni-bp1node{id}", $"00:16:3e:00:{number / 256:x2}:{number % 256:x2}",
            $"192.168.{vSwitch}.{10 + number}", $"vsw-bp{vSwitch}flannel");
    }
}
