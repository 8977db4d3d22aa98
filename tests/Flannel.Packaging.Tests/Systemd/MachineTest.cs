using Flannel.EndToEnd.Tests;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>The base of tests on a whole machine: a VPC whose first instance is a Debian with systemd.</summary>
public abstract class MachineTest : EndToEndTest, IAsyncDisposable
{
    protected const string Settings = "/etc/default/flanneld";
    protected const string SubnetFile = "/run/flannel/subnet.env";
    protected const int HealthPort = EcsInstance.HealthPort;

    /// <summary>Paths of the packages in the machine.</summary>
    protected const string NewDeb = "/packages/flanneld.deb";
    protected const string OlderDeb = "/packages/flanneld-older.deb";

    private readonly List<SystemdMachine> machines = [];

    /// <summary>The machine of the first instance.</summary>
    protected SystemdMachine Machine => machines[0];

    /// <summary>The folder on the host that is mounted at /packages.</summary>
    protected string PackageFolder => Path.Combine(Vpc.Folder.Path, "packages");

    public new async ValueTask DisposeAsync()
    {
        try
        {
            foreach (var (index, machine) in machines.Index())
            {
                await MachineCleanup.DisposeAsync(
                    machine, MachineFolder(index),
                    "systemctl status --no-pager --lines=0 flanneld; journalctl --no-pager -o short-monotonic -n 200");
            }
        }
        finally
        {
            await base.DisposeAsync();
            GC.SuppressFinalize(this);
        }
    }

    /// <summary>Starts a VPC and boots its first instance as a machine with the deb at /packages.</summary>
    /// <param name="root">What is installed in the machine.</param>
    protected async Task StartMachineAsync(
        int instances = 1, CloudSetup? setup = null, bool publishConfig = true, string? etcdName = null,
        DebianRootKind root = DebianRootKind.Plain)
    {
        var deb = Packages.Deb;
        await Require.NamespacesAsync();
        if (await DebianRoot.UnavailableAsync(Cancel, root) is { } reason)
        {
            Assert.Skip(reason);
        }
        await StartVpcAsync(instances, setup, publishConfig, etcdName);
        Directory.CreateDirectory(PackageFolder);
        File.Copy(deb, Path.Combine(PackageFolder, "flanneld.deb"));
        await AddMachineAsync(root);
    }

    /// <summary>Boots the next instance as a machine.</summary>
    protected async Task<SystemdMachine> AddMachineAsync(DebianRootKind root = DebianRootKind.Plain)
    {
        var (instance, folder) = (Vpc.Instances[machines.Count], MachineFolder(machines.Count));
        if (root == DebianRootKind.Pages)
        {
            // etcd listens on localhost when the machine boots.
            var hosts = SystemdMachine.PathOnDisk(folder, "/etc/hosts");
            Directory.CreateDirectory(Path.GetDirectoryName(hosts)!);
            await File.WriteAllTextAsync(hosts, "127.0.0.1 localhost\n", Cancel);
        }
        var machine = await SystemdMachine.StartAsync(
            await DebianRoot.FolderAsync(root), folder, PackageFolder, instance.Namespace!, Cancel,
            runsContainers: root == DebianRootKind.Pages);
        machines.Add(machine);
        return machine;
    }

    /// <summary>Installs a deb file with apt and returns the output.</summary>
    protected Task<string> InstallAsync(string deb = NewDeb) =>
        Machine.RunAsync($"apt-get install --yes --no-install-recommends -o Dpkg::Options::=--force-confold {deb} 2>&1", Cancel);

    /// <summary>Edits the settings file: uncomments variables and sets their values.</summary>
    protected Task ConfigureAsync(params NamedValue[] more) => ConfigureAsync(Settings, more);

    protected async Task ConfigureAsync(string file, params NamedValue[] more)
    {
        NamedValue[] settings =
        [
            new("FLANNELD_ETCD_ENDPOINTS", Vpc.Etcd.Endpoint.GetLeftPart(UriPartial.Authority)),
            new("FLANNELD_VPC_ENDPOINT", VpcTopology.ApiEndpoint),
            new("FLANNELD_ECS_ENDPOINT", VpcTopology.ApiEndpoint),
            new("FLANNELD_HEALTHZ_PORT", $"{HealthPort}"),
            .. more,
        ];
        foreach (var (name, value) in settings)
        {
            await Machine.RunAsync($"sed -i 's|^#\\?{name}=.*|{name}={value}|' {file} && grep -qx '{name}={value}' {file}", Cancel);
        }
    }

    /// <summary>Installs, configures and restarts the daemon; returns after it is ready.</summary>
    protected async Task InstallReadyAsync(string deb = NewDeb, params NamedValue[] more)
    {
        await InstallAsync(deb);
        await ConfigureAsync(more);
        await Machine.RunAsync("systemctl restart flanneld", Cancel);
    }

    protected Task<string> UnitAsync(string property) => Machine.PropertyAsync("flanneld", property, Cancel);

    /// <summary>The process id of the running daemon in the machine.</summary>
    protected async Task<int> MainPidAsync() =>
        await FindMainPidAsync() is > 0 and var id ? id : throw new TestbedException("flanneld does not run");

    /// <summary>The process id of the daemon; 0 if it does not run.</summary>
    private async Task<int> FindMainPidAsync() => int.Parse(await UnitAsync("MainPID"), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Waits until the unit is active with another process.</summary>
    protected Task WaitForRestartAsync(int before, TimeSpan? limit = null) =>
        Eventually.IsAsync(
            $"systemd has restarted flanneld, which was process {before}",
            async () => await UnitAsync("ActiveState") == "active" && await FindMainPidAsync() is var now && now > 0 && now != before,
            Cancel, limit);

    /// <summary>The contents of a file of the machine; null if it does not exist.</summary>
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

    /// <summary>The variables of the machine's subnet.env.</summary>
    protected async Task<IReadOnlyDictionary<string, string>> SubnetEnvAsync() =>
        (await ReadAsync(SubnetFile) ?? throw new TestbedException($"no {SubnetFile}")).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);

    /// <summary>Installs a shipped drop-in for a unit.</summary>
    protected async Task DropInAsync(string example, string unit)
    {
        var text = await Machine.RunAsync($"cat /usr/share/doc/flanneld/examples/{example}", Cancel);
        await Machine.WriteAsync($"/etc/systemd/system/{unit}.service.d/flannel.conf", text, Cancel);
        await Machine.RunAsync("systemctl daemon-reload", Cancel);
    }

    /// <summary>Adds a drop-in of the test for flanneld.service.</summary>
    protected async Task OverrideAsync(string service)
    {
        await Machine.WriteAsync("/etc/systemd/system/flanneld.service.d/test.conf", $"[Service]\n{service}\n", Cancel);
        await Machine.RunAsync("systemctl daemon-reload", Cancel);
    }

    /// <summary>The lease of the machine.</summary>
    protected async Task<EtcdKey> HeldLeaseAsync() => await LeaseAsync(0) ?? throw new TestbedException("the machine has no lease");

    /// <summary>The actions of recorded API calls that write routes.</summary>
    protected async Task<IReadOnlyList<string>> RouteWritesAsync() =>
        [.. (await Vpc.Control.ApiCallsAsync(Cancel))
            .Select(call => call.Action).Where(action => !action.StartsWith("Describe", StringComparison.Ordinal)
                && action.Contains("Route", StringComparison.Ordinal))];

    /// <summary>A field of the daemon's /proc/PID/status, such as CapEff.</summary>
    protected async Task<string> ProcessStatusAsync(string field)
    {
        var line = (await File.ReadAllLinesAsync(Machine.PathOf($"/proc/{await MainPidAsync()}/status"), Cancel))
            .Single(line => line.StartsWith(field + ":", StringComparison.Ordinal));
        return line[(field.Length + 1)..].Trim();
    }

    private string MachineFolder(int index) => Path.Combine(Vpc.Folder.Path, $"machine{index}");
}
