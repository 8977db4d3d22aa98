using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.Hosts.Tests;

/// <summary>The conflist of a node.</summary>
public enum ConflistKind
{
    /// <summary>That of docs/containerd-cni.md for the flannel plugin.</summary>
    FlannelPlugin,

    /// <summary>The same without <c>ipMasq</c>, as in upstream's kube-flannel.yml.</summary>
    Upstream,

    /// <summary>That of <c>--install-cni</c>.</summary>
    Generated,
}

/// <summary>An instance with flanneld and the plugins of CNI in /opt/cni/bin.</summary>
internal sealed class CniNode : IAsyncDisposable
{
    public const int HostPort = 8080;

    private CniNode(EcsInstance instance, HostMachine machine) => (Instance, Machine) = (instance, machine);

    public EcsInstance Instance { get; }

    public HostMachine Machine { get; }

    public async Task<JsonObject> ReadConflistAsync(ConflistKind kind, CancellationToken cancel)
    {
        if (kind != ConflistKind.Generated)
        {
            var conflist = JsonNode.Parse(MarkdownBlocks.Read(Path.Combine(Locations.Repository(), "docs", "containerd-cni.md"))
                .Single(block => block.Text.Contains("\"flannel\"", StringComparison.Ordinal)).Text)!.AsObject();
            if (kind == ConflistKind.Upstream) conflist["plugins"]![0]!["delegate"]!.AsObject().Remove("ipMasq");
            return conflist;
        }

        var text = await File.ReadAllTextAsync(Path.Combine(Instance.Folder, "10-flannel.conflist"), cancel);
        // flanneld runs outside of the machine, where its subnet.env has another path.
        return JsonNode.Parse(text.Replace(Instance.SubnetFile, "/run/flannel/subnet.env", StringComparison.Ordinal))!.AsObject();
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
