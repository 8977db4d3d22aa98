using System.Globalization;
using System.Net.Sockets;
using System.Text;
using AliCloud.Simulator.Api;
using AliCloud.Simulator.Setup;

namespace AliCloud.Simulator.Hosting;

/// <summary>
/// Lets the JIT compile the code path of a request before it is measured: otherwise the first response takes 0.1 s, which a
/// benchmark would attribute to the daemon. It uses a separate cloud, so that the call log of the real one stays empty.
/// </summary>
internal static class WarmUp
{
    private static readonly CloudSetup Small = new()
    {
        RegionId = "r",
        Settings = new CloudSettings { RouteWriteMilliseconds = 0 },
        AccessKeys = [new AccessKeySetup { Id = "k", Secret = "s" }],
        Roles = [new RoleSetup { Name = "role" }],
        Vpcs =
        [
            new VpcSetup
            {
                VpcId = "v",
                CidrBlock = "192.168.0.0/16",
                RouteTables = [new RouteTableSetup { RouteTableId = "t" }],
                VSwitches = [new VSwitchSetup { VSwitchId = "w", CidrBlock = "192.168.1.0/24", ZoneId = "z", RouteTableId = "t" }],
            },
        ],
        Instances =
        [
            new InstanceSetup
            {
                InstanceId = "i",
                RamRole = "role",
                MetadataPort = 0,
                Interfaces = [new InterfaceSetup { NetworkInterfaceId = "e", Mac = "m", VSwitchId = "w", PrivateIp = "192.168.1.11" }],
            },
        ],
    };

    public static async Task RunAsync()
    {
        await using var cloud = await SimulatedCloud.StartAsync(Small);
        var metadata = cloud.MetadataByInstance["i"];
        await GetAsync(metadata, "/latest/meta-data/");
        await GetAsync(metadata, "/latest/meta-data/ram/security-credentials/role");
        await GetAsync(cloud.Api, Call(cloud.Api, "CreateRouteEntries", new(StringComparer.Ordinal)
        {
            ["RegionId"] = "r",
            ["RouteEntries.1.RouteTableId"] = "t",
            ["RouteEntries.1.DstCidrBlock"] = "10.0.0.0/24",
            ["RouteEntries.1.NextHop"] = "i",
            ["RouteEntries.1.NextHopType"] = "Instance",
        }, out var headers), headers);
        await GetAsync(cloud.Api, Call(cloud.Api, "DescribeRouteEntryList", new(StringComparer.Ordinal)
        {
            ["RegionId"] = "r",
            ["RouteTableId"] = "t",
        }, out headers), headers);
        await GetAsync(cloud.Control, "/state/routes");
    }

    private static string Call(Uri api, string action, SortedDictionary<string, string> query, out string headers)
    {
        var signed = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["host"] = api.Authority,
            ["x-acs-action"] = action,
            ["x-acs-content-sha256"] = Acs3.Hash([]),
            ["x-acs-date"] = TimeProvider.System.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            ["x-acs-signature-nonce"] = action,
            ["x-acs-version"] = "2016-04-28",
        };
        var signature = Acs3.Signature("s", Acs3.StringToSign(Acs3.CanonicalRequest("GET", "/", query, signed, Acs3.Hash([]))));
        headers = $"Authorization: {Acs3.Algorithm} Credential=k,SignedHeaders={string.Join(';', signed.Keys)},Signature={signature}\r\n"
            + string.Concat(signed.Where(h => h.Key != "host").Select(h => $"{h.Key}: {h.Value}\r\n"));
        return "/?" + string.Join('&', query.Select(p => $"{p.Key}={Uri.EscapeDataString(p.Value)}"));
    }

    // HttpClient would take longer than everything else.
    private static async Task GetAsync(Uri server, string target, string headers = "")
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Host, server.Port);
        await socket.SendAsync(
            Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: {server.Authority}\r\n{headers}Connection: close\r\n\r\n"));
        var answer = new byte[65536];
        var length = 0;
        while (await socket.ReceiveAsync(answer.AsMemory(length)) is > 0 and var read) length += read;
        var status = Encoding.ASCII.GetString(answer, 0, Math.Min(length, 12));
        if (status != "HTTP/1.1 200") throw new InvalidOperationException($"{target} was answered with {status}");
    }
}
