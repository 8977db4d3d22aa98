using Flannel.EndToEnd.Tests;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>What every test on a whole machine begins and ends with: a VPC, whose first instance is a Debian with systemd.</summary>
public abstract class MachineTest : EndToEndTest, IAsyncDisposable
{
    protected const string Settings = "/etc/default/flanneld";
    protected const string SubnetFile = "/run/flannel/subnet.env";
    protected const int HealthPort = 8471;

    /// <summary>Names of the packages within /packages.</summary>
    protected const string NewDeb = "/packages/flanneld.deb";
    protected const string OlderDeb = "/packages/flanneld-older.deb";

    private SystemdMachine? machine;

    protected SystemdMachine Machine => machine!;

    /// <summary>The folder that is /packages inside.</summary>
    protected string PackageFolder => Path.Combine(Vpc.Folder.Path, "packages");

    private string MachineFolder => Path.Combine(Vpc.Folder.Path, "machine");

    public new async ValueTask DisposeAsync()
    {
        var failed = TestContext.Current.TestState?.Result == TestResult.Failed;
        try
        {
            if (machine is not null)
            {
                if (failed)
                {
                    TestContext.Current.TestOutputHelper?.WriteLine((await Machine.TryAsync("systemctl status --no-pager --lines=0 flanneld; journalctl --no-pager -o short-monotonic -n 200", CancellationToken.None)).Output);
                }
                await Machine.DisposeAsync();
                Assert.Empty(SystemdMachine.RemainingResources(Machine.Name, MachineFolder));
            }
        }
        finally
        {
            await base.DisposeAsync();
            GC.SuppressFinalize(this);
        }
    }

    /// <summary>A VPC whose instance 0 is a machine that has just booted, with the deb at hand. The others have none.</summary>
    protected async Task StartMachineAsync(int instances = 1, World? world = null, bool publishConfig = true, string? etcdName = null)
    {
        var deb = Packages.Deb;
        await Require.NamespacesAsync();
        if (await DebianRoot.UnavailableAsync(Cancel) is { } reason)
        {
            Assert.Skip(reason);
        }
        await StartVpcAsync(instances, world, publishConfig, etcdName);
        Directory.CreateDirectory(PackageFolder);
        File.Copy(deb, Path.Combine(PackageFolder, "flanneld.deb"));
        machine = await SystemdMachine.StartAsync(await DebianRoot.FolderAsync(), MachineFolder, PackageFolder, Vpc.Instances[0].Namespace!, Cancel);
    }

    /// <summary>As an administrator installs a file; what apt says is returned.</summary>
    protected Task<string> InstallAsync(string deb = NewDeb) => Machine.RunAsync($"apt-get install --yes --no-install-recommends -o Dpkg::Options::=--force-confold {deb} 2>&1", Cancel);

    /// <summary>Edits the settings as an administrator does: takes the mark of a comment away and gives the value.</summary>
    protected Task ConfigureAsync(params (string Name, string Value)[] more) => ConfigureAsync(Settings, more);

    protected async Task ConfigureAsync(string file, params (string Name, string Value)[] more)
    {
        (string Name, string Value)[] settings =
        [
            ("FLANNELD_ETCD_ENDPOINTS", Vpc.Etcd.Endpoint.GetLeftPart(UriPartial.Authority)),
            ("FLANNELD_VPC_ENDPOINT", $"http://{VpcTopology.ApiAddress}:8080"),
            ("FLANNELD_ECS_ENDPOINT", $"http://{VpcTopology.ApiAddress}:8080"),
            ("FLANNELD_HEALTHZ_PORT", $"{HealthPort}"),
            .. more,
        ];
        foreach (var (name, value) in settings)
        {
            await Machine.RunAsync($"sed -i 's|^#\\?{name}=.*|{name}={value}|' {file} && grep -qx '{name}={value}' {file}", Cancel);
        }
    }

    /// <summary>Installs, configures and restarts; afterwards the node is ready.</summary>
    protected async Task InstallReadyAsync(string deb = NewDeb, params (string Name, string Value)[] more)
    {
        await InstallAsync(deb);
        await ConfigureAsync(more);
        await Machine.RunAsync("systemctl restart flanneld", Cancel);
    }

    protected Task<string> UnitAsync(string property) => Machine.PropertyAsync("flanneld", property, Cancel);

    /// <summary>The daemon's process id as the machine counts; it runs.</summary>
    protected async Task<int> MainPidAsync() => await FindMainPidAsync() is > 0 and var id ? id : throw new TestbedException("flanneld does not run");

    /// <summary>0 while no process of the daemon runs.</summary>
    private async Task<int> FindMainPidAsync() => int.Parse(await UnitAsync("MainPID"), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Waits until systemd has the unit up with another process.</summary>
    protected Task WaitForRestartAsync(int before, TimeSpan? limit = null) => Eventually.IsAsync($"systemd has restarted flanneld, which was process {before}", async () =>
        await UnitAsync("ActiveState") == "active" && await FindMainPidAsync() is var now && now > 0 && now != before, Cancel, limit);

    /// <summary>Whether a file is there; null text when it is not.</summary>
    protected async Task<string?> ReadAsync(string path)
    {
        try
        {
            return await File.ReadAllTextAsync(Machine.PathOf(path), Cancel);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>What the machine's subnet.env says, which is there.</summary>
    protected async Task<IReadOnlyDictionary<string, string>> SubnetEnvAsync() =>
        (await ReadAsync(SubnetFile) ?? throw new TestbedException($"no {SubnetFile}")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);

    /// <summary>Puts a shipped drop-in where an administrator puts it.</summary>
    protected async Task DropInAsync(string example, string unit)
    {
        var text = await Machine.RunAsync($"cat /usr/share/doc/flanneld/examples/{example}", Cancel);
        await Machine.WriteAsync($"/etc/systemd/system/{unit}.service.d/flannel.conf", text, Cancel);
        await Machine.RunAsync("systemctl daemon-reload", Cancel);
    }

    /// <summary>A drop-in of the test's own for flanneld.service.</summary>
    protected async Task OverrideAsync(string service)
    {
        await Machine.WriteAsync("/etc/systemd/system/flanneld.service.d/test.conf", $"[Service]\n{service}\n", Cancel);
        await Machine.RunAsync("systemctl daemon-reload", Cancel);
    }

    /// <summary>The lease of the machine, which has one.</summary>
    protected async Task<EtcdKey> HeldLeaseAsync() => await LeaseAsync(0) ?? throw new TestbedException("the machine has no lease");

    /// <summary>The names of the calls that have written routes, since the calls were last forgotten.</summary>
    protected async Task<IReadOnlyList<string>> RouteWritesAsync() =>
        [.. (await Vpc.Control.ApiCallsAsync(Cancel)).Select(call => call.Action).Where(action => !action.StartsWith("Describe", StringComparison.Ordinal) && action.Contains("Route", StringComparison.Ordinal))];

    /// <summary>A field of the daemon's /proc/PID/status, such as CapEff.</summary>
    protected async Task<string> ProcessStatusAsync(string field)
    {
        var line = (await File.ReadAllLinesAsync(Machine.PathOf($"/proc/{await MainPidAsync()}/status"), Cancel)).Single(line => line.StartsWith(field + ":", StringComparison.Ordinal));
        return line[(field.Length + 1)..].Trim();
    }
}
