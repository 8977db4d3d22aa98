using System.Net;

namespace AliCloud.Simulator.Tests;

public sealed class MetadataTests
{
    private const string Root = "/latest/meta-data/";
    private const string Macs = Root + "network/interfaces/macs/";
    private const string TokenPath = "/latest/api/token";
    private const string Ttl = "X-aliyun-ecs-metadata-token-ttl-seconds";
    private const string Token = "X-aliyun-ecs-metadata-token";

    [Theory]
    [InlineData("i-1", Root + "instance-id", "i-1")]
    [InlineData("i-1", Root + "region-id", "cn-hangzhou")]
    [InlineData("i-1", Root + "vpc-id", "vpc-1")]
    [InlineData("i-1", Root + "vpc-cidr-block", "192.168.0.0/16")]
    [InlineData("i-3", Root + "vswitch-id", "vsw-2")]
    [InlineData("i-3", Root + "zone-id", "cn-hangzhou-i")]
    [InlineData("i-1", Root + "mac", "00:16:3e:00:00:01")]
    [InlineData("i-1", Root + "private-ipv4", "192.168.1.11")]
    [InlineData("i-1", Root + "ram/", "security-credentials/")]
    [InlineData("i-1", Macs, "00:16:3e:00:00:01/\n00:16:3e:00:00:09/")]
    [InlineData("i-1", Macs + "00:16:3e:00:00:09/network-interface-id", "eni-1b")]
    [InlineData("i-1", Macs + "00:16:3e:00:00:01/private-ipv4s", "[\"192.168.1.11\"]")]
    [InlineData("i-1", Macs + "00:16:3e:00:00:01/gateway", "192.168.1.253")]
    [InlineData("i-1", Macs + "00:16:3e:00:00:01/netmask", "255.255.255.0")]
    [InlineData("i-other", Macs + "00:16:3e:00:00:04/vpc-cidr-block", "172.16.0.0/12")]
    [InlineData("i-1", "/", "2016-01-01\nlatest")]
    [InlineData("i-1", "/2016-01-01/meta-data/instance-id", "i-1")]
    [InlineData("i-1", "/2016-01-01/meta-data/ram/", "security-credentials/")]
    [InlineData("i-1", "/2016-01-01/dynamic/instance-identity", "document")]
    [InlineData("i-1", Root + "hostname", "i-1")]
    public async Task An_instance_reads_its_own_metadata(string instance, string path, string text)
    {
        await using var test = await TestCloud.StartAsync();
        Assert.Equal(text, await test.GetMetadataAsync(instance, path));
    }

    [Theory]
    [InlineData(Root + "eipv4")]
    [InlineData(Root + "instance-id/")]
    [InlineData(Macs + "00:16:3e:00:00:02/network-interface-id")] // of another instance
    [InlineData(Root + "ram/security-credentials/OtherRole")]
    [InlineData("/meta-data/instance-id")]
    [InlineData("/2009-04-04/meta-data/instance-id")] // a version of EC2
    [InlineData("/2016-01-01")]
    [InlineData("/latest/user-data")] // none was configured
    [InlineData("/2016-01-01/api/token")]
    public async Task A_missing_item_is_not_found(string path)
    {
        await using var test = await TestCloud.StartAsync();
        using var response = await test.MetadataAsync("i-1", HttpMethod.Get, path);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task User_data_and_host_name_are_returned_unchanged()
    {
        const string userData = "#cloud-config\nruncmd:\n  - echo \"\u00fc\"\n";
        await using var test = await TestCloud.StartAsync(
            w => w with { Instances = [w.Instances[0] with { HostName = "iZ-one", UserData = userData }] });
        Assert.Equal(userData, await test.GetMetadataAsync("i-1", "/latest/user-data"));
        Assert.Equal(userData, await test.GetMetadataAsync("i-1", "/2016-01-01/user-data"));
        Assert.Equal("dynamic/\nmeta-data/\nuser-data", await test.GetMetadataAsync("i-1", "/latest/"));
        Assert.Equal("iZ-one", await test.GetMetadataAsync("i-1", Root + "hostname"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData((16 << 10) + 1)]
    public async Task Invalid_user_data_is_rejected(int length)
    {
        await Assert.ThrowsAsync<FormatException>(() =>
            TestCloud.StartAsync(w => w with { Instances = [w.Instances[0] with { UserData = new string('#', length) }] }));
    }

    [Fact]
    public async Task A_hardened_instance_needs_a_token()
    {
        await using var test = await TestCloud.StartAsync();
        Assert.Equal(403, await StatusAsync(test, "i-2", HttpMethod.Get, Root + "instance-id"));
        var token = await TokenAsync(test, "i-2", "60");
        Assert.Equal(200, await StatusAsync(test, "i-2", HttpMethod.Get, Root + "instance-id", (Token, token)));
    }

    [Fact]
    public async Task An_instance_in_plain_mode_accepts_valid_tokens_only()
    {
        await using var test = await TestCloud.StartAsync();
        var token = await TokenAsync(test, "i-1", "60");
        Assert.Equal(200, await StatusAsync(test, "i-1", HttpMethod.Get, Root + "instance-id", (Token, token)));
        Assert.Equal(401, await StatusAsync(test, "i-1", HttpMethod.Get, Root + "instance-id", (Token, "wrong")));
    }

    [Fact]
    public async Task A_token_expires_and_is_valid_for_its_instance_only()
    {
        await using var test = await TestCloud.StartAsync();
        var token = await TokenAsync(test, "i-2", "60");
        Assert.Equal(401, await StatusAsync(test, "i-1", HttpMethod.Get, Root + "instance-id", (Token, token)));
        test.Clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(200, await StatusAsync(test, "i-2", HttpMethod.Get, Root + "instance-id", (Token, token)));
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(401, await StatusAsync(test, "i-2", HttpMethod.Get, Root + "instance-id", (Token, token)));
    }

    [Theory]
    [InlineData("1", 200)]
    [InlineData("21600", 200)]
    [InlineData("0", 400)]
    [InlineData("21601", 400)]
    [InlineData("-1", 400)]
    [InlineData("", 400)]
    [InlineData("an hour", 400)]
    public async Task A_token_is_valid_from_a_second_to_six_hours(string ttl, int status)
    {
        await using var test = await TestCloud.StartAsync();
        Assert.Equal(status, await StatusAsync(test, "i-1", HttpMethod.Put, TokenPath, (Ttl, ttl)));
    }

    [Fact]
    public async Task Forwarded_requests_other_methods_and_a_missing_lifetime_are_rejected()
    {
        await using var test = await TestCloud.StartAsync();
        var token = await TokenAsync(test, "i-2", "60");
        Assert.Equal(403, await StatusAsync(test, "i-1", HttpMethod.Put, TokenPath, (Ttl, "60"), ("X-Forwarded-For", "10.0.0.1")));
        Assert.Equal(403, await StatusAsync(test, "i-2", HttpMethod.Get, Root, (Token, token), ("X-Forwarded-For", "10.0.0.1")));
        Assert.Equal(400, await StatusAsync(test, "i-1", HttpMethod.Put, TokenPath));
        Assert.Equal(405, await StatusAsync(test, "i-1", HttpMethod.Get, TokenPath));
        Assert.Equal(405, await StatusAsync(test, "i-1", HttpMethod.Post, Root));
    }

    [Fact]
    public async Task The_shared_listener_identifies_callers_by_address()
    {
        var setup = Clouds.CloudSetup with
        {
            Vpcs = [new() { VpcId = "vpc-l", CidrBlock = "127.0.0.0/8", RouteTables = [new() { RouteTableId = "vtb-l" }],
                VSwitches = [new() { VSwitchId = "vsw-l", CidrBlock = "127.0.0.0/16", ZoneId = "z", RouteTableId = "vtb-l" }] }],
            Instances = [new() { InstanceId = "i-local", Interfaces = [Clouds.Interface("eni-l", 1, "vsw-l", "127.0.0.2")] }],
        };
        await using var cloud = await SimulatedCloud.StartAsync(
            setup, new SimulatedCloudOptions { Metadata = new IPEndPoint(IPAddress.Loopback, 0) }, TestContext.Current.CancellationToken);
        Assert.Equal((200, "i-local"), await GetFromAsync("127.0.0.2"));
        Assert.Equal(404, (await GetFromAsync("127.0.0.3")).Status);
        Assert.Equal(["i-local", null], cloud.Calls.All.Select(c => c.InstanceId));

        async Task<(int Status, string Text)> GetFromAsync(string source)
        {
            using var handler = new SocketsHttpHandler
            {
                ConnectCallback = async (context, cancellationToken) =>
                {
                    var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
                    socket.Bind(new IPEndPoint(IPAddress.Parse(source).MapToIPv6(), 0));
                    await socket.ConnectAsync(IPAddress.Loopback.MapToIPv6(), context.DnsEndPoint.Port, cancellationToken);
                    return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
                },
            };
            using var http = new HttpClient(handler);
            using var response = await http.GetAsync(new Uri(cloud.Metadata!, Root + "instance-id"), TestContext.Current.CancellationToken);
            return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task Requests_are_logged_by_method_and_path()
    {
        await using var test = await TestCloud.StartAsync();
        await test.GetMetadataAsync("i-1", Root + "instance-id");
        var call = Assert.Single(test.Cloud.Calls.All);
        Assert.Equal(("metadata", "GET /latest/meta-data/instance-id", "i-1", 200),
            (call.Service, call.Action, call.InstanceId, call.Status));
    }

    private static async Task<int> StatusAsync(
        TestCloud test, string instance, HttpMethod method, string path, params (string, string)[] headers)
    {
        using var response = await test.MetadataAsync(instance, method, path, headers);
        return (int)response.StatusCode;
    }

    private static async Task<string> TokenAsync(TestCloud test, string instance, string ttl)
    {
        using var response = await test.MetadataAsync(instance, HttpMethod.Put, TokenPath, (Ttl, ttl));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}
