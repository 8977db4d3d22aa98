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
        }

        var (process, flanneld) = (await Machine.PropertyAsync(unit, "MainPID", Cancel), await MainPidAsync());
        await Machine.RunAsync("systemctl restart flanneld", Cancel);
        Assert.NotEqual(flanneld, await MainPidAsync());
        Assert.Equal(process, await Machine.PropertyAsync(unit, "MainPID", Cancel));
    }
}
