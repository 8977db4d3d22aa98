using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>The shipped drop-ins start Docker and containerd after flanneld. A script stands in for both: the tests check when systemd
/// starts it and with which arguments.</summary>
public sealed class DockerTests : MachineTest
{
    /// <summary>Records its arguments and the subnet.env at its start.</summary>
    private const string Daemon = """
        #!/bin/sh
        cat /run/flannel/subnet.env >/run/test-daemon.env
        printf '%s\n' "$@" >/run/test-daemon.arguments
        exec sleep infinity
        """;

    /// <summary>docker.service and docker.socket of Debian 12, without comments. Flannel.Hosts.Tests checks the limit in the packages
    /// of each release.</summary>
    private const string RealUnit = """
        [Unit]
        Description=Docker Application Container Engine
        After=network-online.target docker.socket firewalld.service containerd.service
        Wants=network-online.target containerd.service
        Requires=docker.socket

        [Service]
        Type=notify
        EnvironmentFile=-/etc/default/docker
        ExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS
        ExecReload=/bin/kill -s HUP $MAINPID
        LimitNOFILE=1048576
        LimitNPROC=infinity
        LimitCORE=infinity
        TasksMax=infinity
        TimeoutStartSec=0
        Delegate=yes
        KillMode=process
        Restart=on-failure
        StartLimitBurst=3
        StartLimitInterval=60s

        [Install]
        WantedBy=multi-user.target
        """;

    private const string RealSocket = """
        [Unit]
        Description=Docker Socket for the API

        [Socket]
        ListenStream=/run/docker.sock
        SocketMode=0660
        SocketUser=root
        SocketGroup=root

        [Install]
        WantedBy=sockets.target
        """;

    [Fact]
    public async Task Docker_of_Debian_recovers_after_flanneld_was_broken_and_has_the_subnet_of_its_last_start()
    {
        await StartMachineAsync();
        await Machine.WriteAsync("/usr/sbin/dockerd", Daemon.Replace("exec sleep", "systemd-notify --ready\nexec sleep",
            StringComparison.Ordinal), Cancel);
        await Machine.RunAsync("chmod 755 /usr/sbin/dockerd", Cancel);
        await Machine.WriteAsync("/lib/systemd/system/docker.service", RealUnit, Cancel);
        await Machine.WriteAsync("/lib/systemd/system/docker.socket", RealSocket, Cancel);
        await InstallAsync();
        await ConfigureAsync(new NamedValue("FLANNELD_ETCD_ENDPOINTS", "192.168.1.10"));
        // Without the drop-in Docker starts with its own range.
        await Machine.RunAsync("systemctl start docker", Cancel);
        Assert.DoesNotContain("--bip", await ArgumentsAsync(), StringComparison.Ordinal);
        await Machine.RunAsync("systemctl stop docker", Cancel);
        await DropInAsync("docker-io.conf", "docker");
        Assert.Equal("3", await Machine.PropertyAsync("docker", "StartLimitBurst", Cancel));

        await Machine.TryAsync("systemctl restart flanneld; systemctl start --no-block docker", Cancel);
        await Eventually.IsAsync("Docker was tried more than three times", async () => int.Parse(
            await Machine.PropertyAsync("docker", "NRestarts", Cancel), System.Globalization.CultureInfo.InvariantCulture) > 4,
            Cancel, TimeSpan.FromSeconds(60));
        Assert.Null(await ReadAsync(SubnetFile));
        Assert.Equal("active", await Machine.PropertyAsync("docker.socket", "ActiveState", Cancel));

        // Only the settings are repaired: the next try of Docker starts flanneld too.
        await Machine.RunAsync($"sed -i 's|^FLANNELD_ETCD_ENDPOINTS=.*|FLANNELD_ETCD_ENDPOINTS={Endpoint}|' {Settings}", Cancel);
        await Eventually.IsAsync(
            "Docker runs", async () => await Machine.PropertyAsync("docker", "ActiveState", Cancel) == "active", Cancel);
        Assert.Contains($"--bip={(await SubnetEnvAsync())["FLANNEL_SUBNET"]}", await ArgumentsAsync(), StringComparison.Ordinal);
        await AssertAnotherSubnetNeedsARestartAsync();
    }

    private async Task<string> ArgumentsAsync() => await ReadAsync("/run/test-daemon.arguments") ?? "";

    /// <summary>Another node takes the subnet while flanneld is stopped: a running Docker keeps it until it is restarted.</summary>
    private async Task AssertAnotherSubnetNeedsARestartAsync()
    {
        var (before, lease) = ((await SubnetEnvAsync())["FLANNEL_SUBNET"], await HeldLeaseAsync());
        await Machine.RunAsync("systemctl stop flanneld", Cancel);
        await Vpc.Etcd.Keys.PutAsync(lease.Key, TestVpc.UpstreamLease("192.168.1.77"), Cancel);
        await Machine.RunAsync("systemctl start flanneld", Cancel);
        var after = (await SubnetEnvAsync())["FLANNEL_SUBNET"];
        Assert.NotEqual(before, after);
        Assert.Contains($"--bip={before}", await ArgumentsAsync(), StringComparison.Ordinal);
        await Machine.RunAsync("systemctl restart docker", Cancel);
        Assert.Contains($"--bip={after}", await ArgumentsAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("docker.conf", "docker", "/usr/bin/dockerd", "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock")]
    [InlineData("docker-io.conf", "docker", "/usr/sbin/dockerd",
        "/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS")]
    [InlineData("containerd.conf", "containerd", "/usr/bin/containerd", "/usr/bin/containerd")]
    public async Task The_unit_starts_after_flanneld_is_ready_and_survives_its_restart(string example, string unit,
        string program, string commandLine)
    {
        await StartMachineAsync(publishConfig: false);
        await Machine.WriteAsync(program, Daemon, Cancel);
        await Machine.WriteAsync($"/lib/systemd/system/{unit}.service",
            $"[Unit]\nDescription=test daemon\n[Service]\nType=exec\nExecStart={commandLine}\n[Install]\nWantedBy=multi-user.target\n",
            Cancel);
        await Machine.RunAsync($"chmod 755 {program}", Cancel);
        await InstallAsync();
        await ConfigureAsync();
        await DropInAsync(example, unit);

        // Without a network configuration flanneld waits, and the other unit waits for flanneld.
        await Machine.RunAsync($"systemctl restart --no-block flanneld; systemctl start --no-block {unit}", Cancel);
        await Eventually.IsAsync("flanneld waits for the network configuration", async () => (await UnitAsync("StatusText"))
            .Contains("waiting for the network configuration", StringComparison.Ordinal), Cancel);
        Assert.Matches($@"(?m)^\S+ {unit}\.service start waiting$",
            await Machine.RunAsync("systemctl list-jobs --plain --no-legend | tr -s ' ' | sed 's/^ //; s/ $//'", Cancel));
        Assert.Equal("inactive", await Machine.PropertyAsync(unit, "ActiveState", Cancel));

        await Vpc.PublishConfigAsync(Cancel);
        await Eventually.IsAsync($"{unit} runs", async () => await Machine.PropertyAsync(unit, "ActiveState", Cancel) == "active"
            && await ReadAsync("/run/test-daemon.arguments") is { Length: > 0 }, Cancel);
        var environment = await SubnetEnvAsync();
        Assert.Equal(await ReadAsync(SubnetFile), await ReadAsync("/run/test-daemon.env"));
        if (unit == "docker")
        {
            string[] expected = ["-H", "fd://", "--containerd=/run/containerd/containerd.sock", $"--bip={environment["FLANNEL_SUBNET"]}",
                "--ip-masq=true", $"--mtu={environment["FLANNEL_MTU"]}"];
            Assert.Equal(expected, (await ReadAsync("/run/test-daemon.arguments"))!.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.Contains("DOCKER_INSECURE_NO_IPTABLES_RAW=1", await Machine.RunAsync(
                $"tr '\\0' '\\n' </proc/{await Machine.PropertyAsync(unit, "MainPID", Cancel)}/environ", Cancel), StringComparison.Ordinal);
            await AssertRulesAsync(environment);
            // A second start adds no rule twice.
            await Machine.RunAsync($"systemctl restart {unit}", Cancel);
            await AssertRulesAsync(environment);
        }

        var (process, flanneld) = (await Machine.PropertyAsync(unit, "MainPID", Cancel), await MainPidAsync());
        await Machine.RunAsync("systemctl restart flanneld", Cancel);
        Assert.NotEqual(flanneld, await MainPidAsync());
        Assert.Equal(process, await Machine.PropertyAsync(unit, "MainPID", Cancel));
    }

    private string Endpoint => Vpc.Etcd.Endpoint.GetLeftPart(UriPartial.Authority);

    private async Task AssertRulesAsync(IReadOnlyDictionary<string, string> environment)
    {
        var (network, gateway) = (environment["FLANNEL_NETWORK"], environment["FLANNEL_SUBNET"]);
        var subnet = $"{gateway[..gateway.LastIndexOf('.')]}.0/24";
        Assert.Equal($"-N DOCKER-USER\n-A DOCKER-USER -d {network} -j ACCEPT\n-A DOCKER-USER -s {network} -j ACCEPT\n",
            await Machine.RunAsync("iptables -S DOCKER-USER", Cancel));
        Assert.Equal($"-P POSTROUTING ACCEPT\n-A POSTROUTING -s {subnet} -d {network} ! -o docker0 -j ACCEPT\n",
            await Machine.RunAsync("iptables -t nat -S POSTROUTING", Cancel));
    }
}
