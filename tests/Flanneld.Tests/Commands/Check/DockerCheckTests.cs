using System.Net.Sockets;
using System.Text;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.HostNetwork;
using Flannel.HostNetwork.Firewall;
using Flanneld.Commands.Check;
using Flanneld.Commands.Check.Facts;
using Flanneld.Host.Interfaces;
using Flanneld.Tests.Support;

namespace Flanneld.Tests.Commands.Check;

public sealed class DockerCheckTests : IDisposable
{
    private const string InDaemonJson = " in /etc/docker/daemon.json: Docker does not start with it";

    private const string Surrogate = "has an unpaired surrogate (such as \\ud800) in a text: Docker does not start with it";

    private const string DropIn = """
        [Service]
        ExecStartPre=/usr/bin/env -u DOCKER_OPTS /usr/libexec/flannel/mk-docker-opts.sh -c
        # A comment is no setting: --bip
        Environment=DOCKER_INSECURE_NO_IPTABLES_RAW=1
        ExecStartPre=/bin/sh -c 'iptables -w -I DOCKER-USER -d ${FLANNEL_NETWORK} -j ACCEPT'

        """;

    private static readonly ProgramFolders Folders = new(["/usr/bin"]);

    private readonly FakeHost host = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => host.Dispose();

    [Fact]
    public async Task A_host_without_docker_has_no_results() =>
        Assert.Null(await DockerHost.ReadAsync(host.WithSubnetFile().Files, Folders, [], Cancel));

    [Fact]
    public async Task The_drop_in_and_a_bridge_with_the_subnet_are_ok()
    {
        WithDropIn(DropIn).WithProcess(7, "dockerd", "/usr/bin/dockerd", "--bip=10.24.5.1/24")
            .With("/proc/7/environ", $"{DockerUnit.RawVariable}\0PATH=/bin\0");
        var results = await RunAsync(Bridge("10.24.5.1"));
        Assert.Equal(
            ["docker: Unknown", "docker-settings: Ok", "docker-drop-in: Ok", "docker-bridge: Ok", "docker-direct-access: Ok"],
            results.Select(result => $"{result.Kind.Id}: {result.State}"));
    }

    [Theory]
    [InlineData("""{"bip":"10.24.6.1/24"}""", "bip is")]
    [InlineData("""{"mtu":1400,"ip-masq":false}""", "mtu and ip-masq are")]
    public async Task An_option_that_the_drop_in_passes_too_is_a_problem(string json, string names)
    {
        WithDropIn(DropIn).With(DockerSettings.Path, json);
        AssertResult(
            await RunAsync(), CheckKind.DockerSettings, CheckState.Problem,
            $"{names} in /etc/docker/daemon.json, and the drop-in passes the same as flags: Docker does not start with both");
    }

    [Fact]
    public async Task Ip_masq_is_no_conflict_if_the_drop_in_omits_it()
    {
        WithDropIn(DropIn.Replace("mk-docker-opts.sh -c", "mk-docker-opts.sh -c -m", StringComparison.Ordinal))
            .With(DockerSettings.Path, """{"ip-masq":false}""");
        AssertResult(
            await RunAsync(), CheckKind.DockerSettings, CheckState.Ok, "/etc/docker/daemon.json does not conflict with flannel");
    }

    [Theory]
    [InlineData("""{"bip":"172.26.0.1/16"}""", nameof(CheckState.Problem), "bip is 172.26.0.1/16, and this node's subnet is 10.24.5.1/24")]
    [InlineData("""{"mtu":9000}""", nameof(CheckState.Warning), "mtu is 9000, and subnet.env says 1500: larger packets are lost")]
    [InlineData("""{"iptables":false}""", nameof(CheckState.Warning), "iptables is false: Docker makes no firewall rules")]
    [InlineData("""{"firewall-backend":"nftables"}""", nameof(CheckState.Unknown), "firewall-backend is nftables: it is not checked")]
    [InlineData("{", nameof(CheckState.Unknown), "/etc/docker/daemon.json is not valid JSON (line 1): Docker does not start with it")]
    [InlineData("""{"bip":"10.24.5.1/24","mtu":null}""", nameof(CheckState.Ok), "/etc/docker/daemon.json does not conflict with flannel")]
    [InlineData("""{"bip":5}""", nameof(CheckState.Problem), $"bip is not a text{InDaemonJson}")]
    [InlineData("""{"mtu":"1500"}""", nameof(CheckState.Problem), $"mtu is not a whole number{InDaemonJson}")]
    [InlineData("""{"mtu":1500.5}""", nameof(CheckState.Problem), $"mtu is not a whole number{InDaemonJson}")]
    [InlineData("""{"iptables":1}""", nameof(CheckState.Problem), $"iptables is not true or false{InDaemonJson}")]
    [InlineData(@"{""bip"":""\ud800""}", nameof(CheckState.Unknown), $"/etc/docker/daemon.json {Surrogate}")]
    [InlineData(@"{""bi\ud800"":1}", nameof(CheckState.Unknown), $"/etc/docker/daemon.json {Surrogate}")]
    [InlineData("\uFEFF{\"mtu\":9000}", nameof(CheckState.Warning), "mtu is 9000, and subnet.env says 1500: larger packets are lost")]
    [InlineData(" \n", nameof(CheckState.Ok), "/etc/docker/daemon.json does not conflict with flannel")]
    [InlineData("""{"ip-masq":"false"}""", nameof(CheckState.Problem), $"ip-masq is not true or false{InDaemonJson}")]
    public async Task Settings_are_compared_with_the_subnet(string json, string state, string detail)
    {
        host.WithSubnetFile().With(DockerSettings.Path, json);
        AssertResult(await RunAsync(), CheckKind.DockerSettings, Enum.Parse<CheckState>(state), detail);
    }

    [Fact]
    public async Task A_bridge_with_another_subnet_and_no_drop_in_are_reported()
    {
        host.WithSubnetFile();
        var results = await RunAsync(Bridge("172.17.0.1"));
        AssertResult(
            results, CheckKind.DockerBridge, CheckState.Problem, "docker0 has 172.17.0.1, and this node's subnet is 10.24.5.1/24");
        AssertResult(
            results, CheckKind.DockerDropIn, CheckState.Warning, "no drop-in passes the subnet of this node to Docker");
    }

    [Fact]
    public async Task Without_a_subnet_the_bridge_is_unknown() => AssertResult(
        await RunAsync(Bridge("172.17.0.1")), CheckKind.DockerBridge, CheckState.Unknown, "not compared: this node has no subnet yet");

    [Theory]
    [InlineData("28.5.2", "PATH=/bin", nameof(CheckState.Problem), "Docker 28 and newer drop packets of other hosts to containers")]
    [InlineData("28.5.2", DockerUnit.RawVariable, nameof(CheckState.Ok), "allowed: Docker makes no rules in the table raw")]
    [InlineData("26.1.5", "PATH=/bin", nameof(CheckState.Ok), "this release has no rules against it")]
    [InlineData("28.5.2", null, nameof(CheckState.Unknown), "Docker's release or environment may not be read by this user")]
    public async Task Direct_access_to_containers_depends_on_the_release_and_the_environment(
        string version, string? variable, string state, string detail)
    {
        host.WithSubnetFile().WithProcess(7, "dockerd", "/usr/bin/dockerd");
        if (variable is not null) host.With("/proc/7/environ", variable + "\0");
        await using var server = new DockerServer(host.Files.PathOf(DockerSocket.Path), $$"""{"Version":"{{version}}"}""");
        var results = await RunAsync();
        AssertResult(results, CheckKind.Docker, CheckState.Ok, $"release {version} runs");
        AssertResult(results, CheckKind.DockerDirectAccess, Enum.Parse<CheckState>(state), detail);
    }

    [Fact]
    public async Task Rules_in_the_table_raw_are_a_problem_with_the_rules()
    {
        host.WithSubnetFile().WithProcess(7, "dockerd", "/usr/bin/dockerd");
        var rules = ForwardTrace.Parse("*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 10.24.5.2/32 ! -i docker0 -j DROP\n");
        var result = AssertResult(
            await RunAsync(rules: rules), CheckKind.DockerDirectAccess, CheckState.Problem,
            "the table raw drops packets of other hosts to 1 container address");
        Assert.Equal(["-t raw -A PREROUTING -d 10.24.5.2/32 ! -i docker0 -j DROP"], result.Lines);
    }

    private FakeHost WithDropIn(string text) =>
        host.WithSubnetFile().With("/etc/systemd/system/docker.service.d/flannel.conf", text);

    private static HostInterface Bridge(string address) => new("docker0", "", 1500, [Ipv4Address.Parse(address)]);

    private async Task<IReadOnlyList<CheckResult>> RunAsync(HostInterface? bridge = null, ForwardTrace? rules = null)
    {
        var docker = await DockerHost.ReadAsync(host.Files, Folders, bridge is null ? [] : [bridge], Cancel);
        var section = new CheckSection();
        new DockerCheck(docker!, PublishedSubnet.Read(host.Files, "/run/flannel/subnet.env"), section)
            .Run(rules is null ? null : (Result<ForwardTrace>)rules);
        return section.Results;
    }

    private static CheckResult AssertResult(IEnumerable<CheckResult> results, CheckKind kind, CheckState state, string detail)
    {
        var result = Assert.Single(results, result => result.Kind == kind);
        Assert.Equal((state, detail), (result.State, result.Detail));
        Assert.Equal(state is CheckState.Warning or CheckState.Problem, result.Advice.Length > 0);
        return result;
    }

    /// <summary>Answers one request at a socket as dockerd does.</summary>
    private sealed class DockerServer : IAsyncDisposable
    {
        private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly Task answering;

        public DockerServer(string path, string body)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen();
            answering = AnswerAsync(body);
        }

        public async ValueTask DisposeAsync()
        {
            listener.Dispose();
            await answering.ConfigureAwait(TaskWait.IgnoringFailure);
        }

        private async Task AnswerAsync(string body)
        {
            using var connection = await listener.AcceptAsync(Cancel);
            var buffer = new byte[1024];
            var length = await connection.ReceiveAsync(buffer, Cancel);
            Assert.StartsWith("GET /version HTTP/1.0\r\n", Encoding.ASCII.GetString(buffer, 0, length), StringComparison.Ordinal);
            await connection.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{body}"), Cancel);
        }
    }
}
