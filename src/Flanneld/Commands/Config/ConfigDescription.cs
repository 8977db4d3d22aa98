using System.Globalization;
using System.Text.Json;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flanneld.Backends;
using Flanneld.Commands.Output;

namespace Flanneld.Commands.Config;

/// <summary>A valid network configuration with the values that follow from it, for <c>flanneld config get</c>.</summary>
/// <param name="Key">Its key in etcd, or the path of its file.</param>
/// <param name="Stored">As it is stored. It may contain secrets, which are not shown.</param>
/// <param name="Parsed">The same after the checks of the daemon.</param>
/// <param name="State">The leases.</param>
internal sealed record ConfigDescription(string Key, StoredText Stored, ConfigInput Parsed, SubnetState State)
{
    private const int NameWidth = 17;

    private NetworkConfig Config => Parsed.Config;

    private IBackend Backend => Parsed.Backend;

    private long Free => SubnetAllocator.CountFree(Config, State.Taken);

    public CommandDocument ToDocument() => new("NetworkConfig", WriteFields, _ => ToTable());

    /// <summary>On one line, without the backend's settings.</summary>
    public static string Summarize(NetworkConfig config) => $"network {config.Network}, {Subnets(config)},"
        + $"{(config.Ipv6 is { } ipv6 ? $" IPv6 network {ipv6.Network}, {Subnets(ipv6)}," : "")} backend {config.BackendType}";

    private static string Subnets(NetworkConfig config) =>
        $"{config.SubnetCount} subnets /{config.SubnetLength} from {config.SubnetMin} to {config.SubnetMax}";

    private static string Subnets(Ipv6Config config) => $"{config.SubnetCount} subnets /{config.SubnetLength} from"
        + $" {Ipv6Network.FormatAddress(config.SubnetMin)} to {Ipv6Network.FormatAddress(config.SubnetMax)}";

    private string ToTable()
    {
        var fields = new FieldList(NameWidth);
        fields.Add(Stored.ModRevision == 0 ? "file" : "key", Stored.ModRevision == 0 ? Key : $"{Key}, revision {Stored.ModRevision}");
        fields.Add("network", Config.Network.ToString());
        fields.Add("subnets", $"{Subnets(Config)}: {State.Taken.Count} leased, {Free} free");
        if (Config.Ipv6 is { } ipv6)
        {
            fields.Add("IPv6 network", ipv6.Network.ToString());
            fields.Add("IPv6 subnets", Subnets(ipv6));
        }

        fields.Add("backend", DescribeBackend());
        if (Config.EnableNfTables is { } nfTables) fields.Add("EnableNFTables", nfTables ? "true" : "false");
        foreach (var line in Parsed.Warnings) fields.Add("warning", line);
        return $"{fields}\n{JsonText.Compose(json => ConfigJson.Write(json, Stored.Json))}\n";
    }

    private string DescribeBackend()
    {
        var settings = Backend is AliVpcBackend routed ? routed.Config.ToString() : Backend.Tunnel?.ToString();
        return settings is null ? Backend.Type : $"{Backend.Type}: {settings}";
    }

    private void WriteFields(Utf8JsonWriter json)
    {
        json.WriteString("key", Key);
        json.WriteNumber("modRevision", Stored.ModRevision);
        json.WritePropertyName("stored");
        ConfigJson.Write(json, Stored.Json);
        json.WriteStartObject("effective");
        json.WriteString("network", Config.Network.ToString());
        json.WriteNumber("subnetLen", Config.SubnetLength);
        json.WriteString("subnetMin", Config.SubnetMin.ToString());
        json.WriteString("subnetMax", Config.SubnetMax.ToString());
        json.WriteNumber("subnets", Config.SubnetCount);
        WriteIpv6(json);
        json.WritePropertyName("enableNFTables");
        if (Config.EnableNfTables is { } nfTables) json.WriteBooleanValue(nfTables);
        else json.WriteNullValue();
        WriteBackend(json);
        json.WriteEndObject();
        json.WriteNumber("leased", State.Taken.Count);
        json.WriteNumber("free", Free);
        json.WriteStartArray("warnings");
        foreach (var line in Parsed.Warnings) json.WriteStringValue(line);
        json.WriteEndArray();
    }

    private void WriteIpv6(Utf8JsonWriter json)
    {
        json.WritePropertyName("ipv6");
        if (Config.Ipv6 is not { } ipv6)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        json.WriteString("network", ipv6.Network.ToString());
        json.WriteNumber("subnetLen", ipv6.SubnetLength);
        json.WriteString("subnetMin", Ipv6Network.FormatAddress(ipv6.SubnetMin));
        json.WriteString("subnetMax", Ipv6Network.FormatAddress(ipv6.SubnetMax));
        // It may be larger than the numbers of JSON.
        json.WriteString("subnets", ipv6.SubnetCount.ToString(CultureInfo.InvariantCulture));
        json.WriteEndObject();
    }

    private void WriteBackend(Utf8JsonWriter json)
    {
        json.WriteStartObject("backend");
        json.WriteString("type", Backend.Type);
        if (Backend is AliVpcBackend { Config: var settings })
        {
            json.WriteString("regionId", settings.RegionId);
            json.WriteStartArray("routeTableIds");
            foreach (var id in settings.RouteTableIds) json.WriteStringValue(id);
            json.WriteEndArray();
            json.WriteString("roleArn", settings.Role?.Arn);
            json.WriteBoolean("hasAccessKey", settings.AccessKey is not null);
        }

        json.WritePropertyName("tunnel");
        if (Backend.Tunnel is { } tunnel) WriteTunnel(json, tunnel);
        else json.WriteNullValue();
        json.WriteEndObject();
    }

    private static void WriteTunnel(Utf8JsonWriter json, VxlanBackendConfig tunnel)
    {
        json.WriteStartObject();
        json.WriteNumber("vni", tunnel.Vni);
        json.WriteNumber("port", tunnel.Port);
        json.WritePropertyName("mtu");
        if (tunnel.Mtu is { } mtu) json.WriteNumberValue(mtu);
        else json.WriteNullValue();
        json.WriteBoolean("gbp", tunnel.Gbp);
        json.WriteBoolean("learning", tunnel.Learning);
        json.WriteBoolean("directRouting", tunnel.DirectRouting);
        json.WriteEndObject();
    }
}

/// <summary>A configuration as it is stored.</summary>
/// <param name="Json">It may contain secrets.</param>
/// <param name="ModRevision">etcd's revision of the last write; 0 for a file.</param>
internal sealed record StoredText(JsonElement Json, long ModRevision);
