using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.Hosts.Tests;

/// <summary>An instance with flanneld and the plugins of CNI in /opt/cni/bin.</summary>
internal sealed class CniNode : IAsyncDisposable
{
    public const int HostPort = 8080;

    private CniNode(EcsInstance instance, HostMachine machine) => (Instance, Machine) = (instance, machine);

    public EcsInstance Instance { get; }

    public HostMachine Machine { get; }

    /// <summary>The conflist of the DaemonSet, without or with an ipMasq of the plugin.</summary>
    public static JsonObject Conflist(bool ipMasqFalse)
    {
        var manifest = File.ReadAllText(Path.Combine(Locations.Repository(), "packaging", "container", "daemonset.yaml"));
        var lines = manifest.Split('\n').SkipWhile(line => !line.EndsWith("cni-conf.json: |", StringComparison.Ordinal)).Skip(1)
            .TakeWhile(line => line.StartsWith("    ", StringComparison.Ordinal));
        var conflist = JsonNode.Parse(string.Concat(lines))!.AsObject();
        var flannel = conflist["plugins"]!.AsArray().Single(plugin => plugin!["type"]!.GetValue<string>() == "flannel");
        if (!ipMasqFalse)
        {
            flannel!["delegate"]!.AsObject().Remove("ipMasq");
        }
        return conflist;
    }

    public static async Task<CniNode> StartAsync(EcsInstance instance, bool flanneldMasquerades, string[] folders, CancellationToken cancel)
    {
        await FlanneldStart.StartAsync(instance, flanneldMasquerades);
        await instance.Daemon!.WaitForReadyAsync(cancel);
        var machine = await HostPrograms.StartMachineAsync(instance, cancel, folders);
        await machine.RunAsync(cancel, "/bin/mkdir", "-p", "/opt/cni", "/etc/cni/net.d");
        await machine.RunAsync(cancel, "/bin/ln", "-s", HostPrograms.CniPlugins, CniRuntime.PluginFolder);
        return new CniNode(instance, machine);
    }

    /// <summary>Starts the web server in a network namespace of the machine.</summary>
    public async Task<Workload> StartServerAsync(string ns, string address)
    {
        await Machine.StartAsync("ip", ["netns", "exec", ns, HostPrograms.Busybox,
            .. Workload.Servers(HostPrograms.Busybox, Path.Combine(HostPrograms.Image, "www"))]);
        return new Workload($"{ns} of {Instance.InstanceId}", address, HostPrograms.Busybox,
            (line, cancel) => Machine.TryAsync(cancel, ["ip", "netns", "exec", ns, .. line]));
    }

    public ValueTask DisposeAsync() => Machine.DisposeAsync();
}
