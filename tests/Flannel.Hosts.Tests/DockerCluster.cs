using Flannel.Testbed;

namespace Flannel.Hosts.Tests;

/// <summary>Two instances with flanneld and Docker, a host of the VPC, and a host without a route to the containers, such as one in the
/// Internet.</summary>
internal sealed class DockerCluster : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> parts = [];

    private DockerCluster()
    {
    }

    public IReadOnlyList<DockerHost> Docker { get; private set; } = [];

    /// <summary>The addresses of the two instances in the VPC.</summary>
    public IReadOnlyList<string> Nodes { get; private set; } = [];

    public Workload VpcHost { get; private set; } = null!;

    public Workload Outside { get; private set; } = null!;

    /// <param name="forwarding">Whether ip_forward is 1 before Docker starts.</param>
    public static async Task<DockerCluster> StartAsync(VpcTopology vpc, DockerSetup setup, bool forwarding, CancellationToken cancel)
    {
        var cluster = new DockerCluster();
        try
        {
            await cluster.BuildAsync(vpc, setup, forwarding, cancel);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var part in parts)
        {
            await part.DisposeAsync();
        }
    }

    private async Task BuildAsync(VpcTopology vpc, DockerSetup setup, bool forwarding, CancellationToken cancel)
    {
        EcsInstance[] nodes = [vpc.Instances[0], vpc.Instances[1]];
        Nodes = [.. nodes.Select(node => node.Facts.PrivateIp)];
        foreach (var node in nodes)
        {
            await node.Namespace!.SetAsync(new NamedValue("ipv4/ip_forward", forwarding ? "1" : "0"));
            await FlanneldStart.StartAsync(node, masquerades: setup.By == Masquerading.Flanneld, forwards: setup.WithRules);
        }
        foreach (var node in nodes)
        {
            await node.Daemon!.WaitForReadyAsync(cancel);
        }
        var starting = nodes.Select(node => DockerHost.StartAsync(node, setup, cancel)).ToList();
        // Both are awaited also after a failure of one, so that each that has started is disposed.
        await ((Task)Task.WhenAll(starting)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        parts.AddRange(starting.Where(task => task.IsCompletedSuccessfully).Select(task => task.Result));
        Docker = await Task.WhenAll(starting);
        VpcHost = await AddHostAsync("host of the VPC", vpc.Instances[2].Facts.PrivateIp, vpc.Instances[2].Namespace!);
        Outside = await AddHostAsync("outside", VpcTopology.EtcdAddress, vpc.EtcdNamespace);
    }

    private async Task<Workload> AddHostAsync(string name, string address, NetworkNamespace ns)
    {
        var host = await Workload.StartOnHostAsync(name, address, ns);
        parts.Add(host.Process!);
        return host;
    }
}
