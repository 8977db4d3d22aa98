using System.Text.Encodings.Web;
using System.Text.Json;
using AliCloud.Simulator.Api;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Metadata;

/// <summary>The items that an instance can read: paths below a version and their texts. Directories are derived from the paths.</summary>
internal static class MetadataTree
{
    private static readonly JsonSerializerOptions Json =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, WriteIndented = true };

    /// <summary>The text at the path, or null. Called under the gate: reading the credentials of a role may issue new ones.</summary>
    /// <param name="path">Without the version, as in <c>meta-data/instance-id</c>; with a trailing slash for a directory.</param>
    public static string? Read(CloudState state, Credentials credentials, Instance instance, string path)
    {
        const string roles = "meta-data/ram/security-credentials/";
        var leaves = Leaves(state, instance);
        if (leaves.TryGetValue(path, out var text)) return text;
        if (instance.RamRole is { } role)
        {
            if (path == roles + role) return RoleCredentials(credentials.Current(instance, role));
            leaves[roles + role] = "";
        }

        var prefix = path.Length == 0 || path.EndsWith('/') ? path : path + "/";
        var children = leaves.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal))
            .Select(k => k[prefix.Length..])
            .Select(k => k.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash ? k[..(slash + 1)] : k)
            .Distinct().Order(StringComparer.Ordinal).ToList();
        return children.Count == 0 ? null : string.Join('\n', children);
    }

    private static Dictionary<string, string> Leaves(CloudState state, Instance instance)
    {
        var primary = instance.Primary;
        var leaves = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["meta-data/instance-id"] = instance.Id,
            ["meta-data/region-id"] = state.RegionId,
            ["meta-data/zone-id"] = primary.VSwitch.ZoneId,
            ["meta-data/owner-account-id"] = state.AccountId,
            ["meta-data/network-type"] = "vpc",
            ["meta-data/hostname"] = instance.HostName,
            ["meta-data/mac"] = primary.Mac,
            ["meta-data/private-ipv4"] = Cidr.Write(primary.PrivateIp),
            ["meta-data/vpc-id"] = instance.Vpc.Id,
            ["meta-data/vpc-cidr-block"] = instance.Vpc.Cidr.ToString(),
            ["meta-data/vswitch-id"] = primary.VSwitch.Id,
            ["meta-data/vswitch-cidr-block"] = primary.VSwitch.Cidr.ToString(),
            ["meta-data/instance/instance-type"] = "ecs.simulated.large",
            ["meta-data/instance/instance-name"] = instance.HostName,
            ["meta-data/image-id"] = "debian_12_x64_20G_alibase_simulated.vhd",
            ["meta-data/ntp-conf/ntp-servers"] = "ntp1.cloud.aliyuncs.com\nntp2.cloud.aliyuncs.com",
            ["meta-data/dns-conf/nameservers"] = "100.100.2.136\n100.100.2.138",
            ["dynamic/instance-identity/document"] = Document(state, instance),
        };
        if (instance.UserData is { } userData) leaves["user-data"] = userData;
        foreach (var i in instance.Interfaces)
        {
            var under = $"meta-data/network/interfaces/macs/{i.Mac}/";
            leaves[under + "network-interface-id"] = i.Id;
            leaves[under + "vpc-id"] = i.VSwitch.Vpc.Id;
            leaves[under + "vpc-cidr-block"] = i.VSwitch.Vpc.Cidr.ToString();
            leaves[under + "vswitch-id"] = i.VSwitch.Id;
            leaves[under + "vswitch-cidr-block"] = i.VSwitch.Cidr.ToString();
            leaves[under + "primary-ip-address"] = Cidr.Write(i.PrivateIp);
            leaves[under + "private-ipv4s"] = $"[\"{Cidr.Write(i.PrivateIp)}\"]";
            if (i.Ipv6Addresses.Count > 0) leaves[under + "ipv6s"] = $"[{string.Join(", ", i.Ipv6Addresses)}]";
            if (i.VSwitch.Ipv6Cidr is { } vSwitchIpv6) leaves[under + "vswitch-ipv6-cidr-block"] = vSwitchIpv6.ToString();
            if (i.VSwitch.Vpc.Ipv6Cidr is { } vpcIpv6) leaves[under + "vpc-ipv6-cidr-blocks"] = vpcIpv6.ToString();
            leaves[under + "netmask"] = i.VSwitch.Cidr.Netmask;
            leaves[under + "gateway"] = Cidr.Write(i.VSwitch.Cidr.Last - 2); // the third last address of a vSwitch is its gateway
        }

        return leaves;
    }

    private static string RoleCredentials(IssuedCredentials c) => JsonSerializer.Serialize(new
    {
        c.AccessKeyId,
        AccessKeySecret = c.Secret,
        Expiration = Instant(c.Expiration),
        SecurityToken = c.Token,
        LastUpdated = Instant(c.Issued),
        Code = "Success",
    }, Json);

    private static string Document(CloudState state, Instance instance) => JsonSerializer.Serialize(new Dictionary<string, string>
    {
        ["instance-id"] = instance.Id,
        ["region-id"] = state.RegionId,
        ["zone-id"] = instance.Primary.VSwitch.ZoneId,
        ["owner-account-id"] = state.AccountId,
        ["private-ipv4"] = Cidr.Write(instance.Primary.PrivateIp),
        ["mac"] = instance.Primary.Mac,
    }, Json);

    private static string Instant(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", null);
}
