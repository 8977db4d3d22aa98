using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>What <c>flanneld check</c> says about this host: firewall, Docker, and services that never answer.</summary>
public sealed class CheckHostTests : EndToEndTest
{
    private const string Iptables = "/usr/sbin/iptables";

    [Fact]
    public async Task A_policy_of_FORWARD_that_drops_packets_of_containers_is_a_problem_until_a_rule_accepts_them()
    {
        await Require.NamespacesAsync();
        Require.Program(Iptables);
        await StartVpcAsync(1);
        var instance = Vpc.Instances[0];
        instance.HasNetAdmin = true;
        await ExecAsync(instance, "-P", "FORWARD", "DROP");
        Assert.Equal("note", (await StateOfAsync("forward-policy")).State);

        var daemon = await StartReadyAsync(0, "--iptables-forward-rules=false");
        var dropped = await StateOfAsync("forward-policy");
        Assert.Equal("problem", dropped.State);
        Assert.EndsWith("are dropped: the policy of FORWARD is DROP", dropped.Detail, StringComparison.Ordinal);

        Assert.Equal(0, await daemon.StopAsync(Cancel));
        await StartReadyAsync(0);
        var accepted = await StateOfAsync("forward-policy");
        Assert.Equal("ok", accepted.State);
        Assert.Contains("FLANNEL-FWD-0A180000-16", accepted.Detail, StringComparison.Ordinal);

        // A rule before that of flanneld decides.
        await ExecAsync(instance, "-I", "FORWARD", "-i", "eth0", "-j", "REJECT");
        Assert.Contains("the rule '-A FORWARD -i eth0 -j REJECT", (await StateOfAsync("forward-policy")).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_permission_to_read_the_rules_forwarding_is_unknown()
    {
        await Require.NamespacesAsync();
        Require.Program(Iptables);
        await StartVpcAsync(1);
        Assert.Equal("unknown", (await StateOfAsync("forward-policy")).State);
    }

    [Fact]
    public async Task Docker_that_does_not_use_the_subnet_is_reported()
    {
        const string etcdName = "etcd.flannel.test";
        await using var vpc = await ChrootFolder.StartVpcAsync(etcdName, Cancel);
        var root = await ChrootFolder.CreateAsync(vpc, null, Cancel);
        using var names = await DnsServer.StartAsync(vpc.Instances[0].Namespace!, etcdName, IPAddress.Parse(VpcTopology.EtcdAddress));
        await vpc.Instances[0].Namespace!.IpAsync(
            Cancel, "link add docker0 type veth peer name docker1", "address add 172.17.0.1/16 dev docker0", "link set docker0 up");
        await root.WriteAsync("etc/docker/daemon.json", """{"bip":"10.24.77.1/24"}""", Cancel);
        await root.WriteAsync(
            "run/flannel/subnet.env",
            "FLANNEL_NETWORK=10.24.0.0/16\nFLANNEL_SUBNET=10.24.5.1/24\nFLANNEL_MTU=1500\nFLANNEL_IPMASQ=false\n", Cancel);

        var before = JsonNode.Parse((await root.RunAsync(etcdName, "check", Cancel, "--output=json")).Output)!.AsObject();
        Assert.Equal(
            new Found("problem", "bip is 10.24.77.1/24, and this node's subnet is 10.24.5.1/24"), FindIn(before, "docker-settings"));
        Assert.Equal(
            new Found("problem", "docker0 has 172.17.0.1, and this node's subnet is 10.24.5.1/24"), FindIn(before, "docker-bridge"));
        Assert.Equal("warning", FindIn(before, "docker-drop-in").State);

        await root.WriteAsync("etc/systemd/system/docker.service.d/flannel.conf", await ReadDropInAsync(), Cancel);
        var after = JsonNode.Parse((await root.RunAsync(etcdName, "check", Cancel, "--output=json")).Output)!.AsObject();
        Assert.Equal("ok", FindIn(after, "docker-drop-in").State);
        Assert.StartsWith(
            "bip is in /etc/docker/daemon.json, and the drop-in passes the same", FindIn(after, "docker-settings").Detail,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Services_that_accept_connections_and_never_answer_do_not_hang_the_command()
    {
        await Require.NamespacesAsync();
        await StartVpcAsync(1);
        using var silent = await ListenAsync();
        var endpoint = silent.LocalEndPoint!.ToString();

        var both = await ReportAsync($"--etcd-endpoints=http://{endpoint}", $"--metadata-endpoint=http://{endpoint}");
        Assert.Contains(FindIn(both, "etcd").State, new[] { "problem", "unknown" });
        Assert.Contains(FindIn(both, "metadata").State, new[] { "problem", "unknown" });
        Assert.Equal("ok", FindIn(both, "interface").State);
        // One cause, one problem.
        Assert.DoesNotContain(both["checks"]!.AsArray(), check => (string?)check!["id"] is "leases" or "route-controller");

        var api = await ReportAsync($"--vpc-endpoint=https://{endpoint}");
        Assert.Equal("problem", FindIn(api, "vpc-endpoint").State);
        Assert.Equal("unknown", FindIn(api, "ram-permissions").State);
        Assert.Equal("ok", FindIn(api, "configuration").State);
    }

    [Fact]
    public async Task A_metadata_service_that_is_switched_off_is_one_problem_and_may_be_on_an_ECS_instance()
    {
        await Require.NamespacesAsync();
        await StartVpcAsync(1);
        using var listener = await ListenAsync();
        var answering = AnswerAsync(listener, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        var report = await ReportAsync($"--metadata-endpoint=http://{listener.LocalEndPoint}");
        Assert.Equal(1, (int)report["problems"]!);
        var found = FindIn(report, "metadata");
        Assert.Equal("problem", found.State);
        Assert.EndsWith("this is not an ECS instance, or its metadata service is switched off", found.Detail, StringComparison.Ordinal);
        listener.Dispose();
        await answering;
    }

    /// <summary>Gives every request the same response, until the listener is disposed of.</summary>
    private static async Task AnswerAsync(Socket listener, string response)
    {
        try
        {
            while (true)
            {
                using var connection = await listener.AcceptAsync(Cancel);
                await connection.ReceiveAsync(new byte[4096], Cancel);
                await connection.SendAsync(System.Text.Encoding.ASCII.GetBytes(response), Cancel);
                connection.Shutdown(SocketShutdown.Both);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The end of the test.
        }
    }

    /// <summary>A socket that listens on the loopback of the instance: the kernel accepts connections.</summary>
    private async Task<Socket> ListenAsync()
    {
        var socket = await Vpc.Instances[0].Namespace!.CreateSocketAsync(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen(64);
        return socket;
    }

    private sealed record Found(string State, string Detail);

    private async Task<JsonObject> ReportAsync(params string[] more)
    {
        var result = await Vpc.Instances[0].RunCommandAsync("check", Cancel, ["--output=json", .. more]);
        return JsonNode.Parse(result.Output)!.AsObject();
    }

    private async Task<Found> StateOfAsync(string id) => FindIn(await ReportAsync(), id);

    private static Found FindIn(JsonObject report, string id)
    {
        var check = Assert.Single(report["checks"]!.AsArray(), check => (string?)check!["id"] == id)!;
        return new Found((string)check["state"]!, (string)check["detail"]!);
    }

    private static async Task<string> ReadDropInAsync() => await File.ReadAllTextAsync(
        Path.Combine(Locations.Repository(), "packaging", "systemd", "examples", "docker-io.conf"), Cancel);

    private static async Task ExecAsync(EcsInstance instance, params string[] arguments)
    {
        var result = await instance.Namespace!.ExecAsync(Iptables, arguments, Cancel);
        Assert.True(result.ExitCode == 0, result.Error);
    }
}
