using Flannel.Core;
using Flannel.Core.Addresses;
using Flanneld.Clients;
using Flanneld.Commands.Leases;
using Flanneld.Commands.Output;
using Flanneld.Host;
using Flanneld.Host.Interfaces;
using Flanneld.Options;

namespace Flanneld.Commands.Status;

/// <summary><c>flanneld status</c>: this node as etcd, the host and the daemon show it. It needs no running daemon.</summary>
internal sealed class StatusCommand(DaemonOptions options, Connections connections, TimeProvider time)
{
    /// <returns>Success when the subnet of this node may be used.</returns>
    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        var node = await ReadAsync(cancellation);
        if (!node.Ok) return Result.Failure(node.Error);
        await ToDocument(node.Value).PrintAsync(options);
        return node.Value.FindProblem() is { } problem ? Result.Failure(problem) : Unit.Instance;
    }

    /// <summary>What it prints.</summary>
    public CommandDocument ToDocument(NodeDescription node) => node.ToDocument(options.SubnetFile, time.GetUtcNow());

    /// <returns>Fails if this host has no interface between the nodes.</returns>
    public async Task<Result<NodeDescription>> ReadAsync(CancellationToken cancellation)
    {
        var selected = InterfaceSelection.OfThisHost().Select(options);
        if (!selected.Ok) return Result.Failure(selected.Error);
        var daemon = await DaemonState.ReadAsync(options, cancellation);
        var reading = StoreErrors.ToResultAsync(() => ReadClusterAsync(selected.Value, cancellation));
        var cluster = await Progress.RunAsync(connections.Store.Description, reading);
        return new NodeDescription(selected.Value, daemon, cluster, ReadFileSubnet())
        {
            Store = connections.Subnets.Name,
            IsLeaseRenewed = connections.Subnets.LeaseTime != TimeSpan.MaxValue,
        };
    }

    private Ipv4Network? ReadFileSubnet() => (new SubnetFile(options.SubnetFile).Read() as SubnetFileState.Present)?.ReadSubnet();

    private async Task<Result<NodeInCluster>> ReadClusterAsync(SelectedInterface selected, CancellationToken cancellation)
    {
        var state = await connections.Subnets.ReadAsync(cancellation);
        var own = connections.Store.FindOwnLease(state, selected.PublicIp);
        var described = own is null ? null : (await new LeaseDescriptionReader(connections).ReadAsync([own], cancellation))[0];
        var controller = await connections.Subnets.ReadControllerAsync(cancellation);
        if (controller is not null) return new NodeInCluster(described, controller);
        var list = await connections.Subnets.ReadNonCandidatesAsync(NonCandidateText.Limit, cancellation);
        return new NodeInCluster(described, null) { NonCandidates = list };
    }
}
