using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>The settings of <see cref="KubeSubnetManager"/>.</summary>
public sealed record KubeSubnetManagerOptions
{
    /// <summary>The name of the Node that this process runs on; null for a command on a host that is no node.</summary>
    public required string? NodeName { get; init; }

    /// <summary>The namespace of the daemons, for messages.</summary>
    public string Namespace { get; init; } = "kube-flannel";

    /// <summary><c>--set-node-network-unavailable</c>.</summary>
    public bool SetNodeNetworkUnavailable { get; init; } = true;
}

/// <summary>The Kubernetes API as subnet manager: the podCIDR of each Node is its lease, which annotations describe, and the network
/// configuration is a file.</summary>
/// <remarks>The controller manager assigns podCIDRs that do not overlap. A lease ends with its Node, or when this node releases it; it is
/// not renewed, and does not expire.</remarks>
public sealed class KubeSubnetManager : ISubnetManager
{
    private readonly KubeContext context;
    private readonly NetConfFile netConf;
    private readonly IKubeElectionReader election;
    private readonly KubeSubnetManagerOptions options;
    private readonly OwnNode node;
    private readonly AssignmentEvents assignmentEvents;

    public KubeSubnetManager(KubeContext context, NetConfFile netConf, IKubeElectionReader election, KubeSubnetManagerOptions options)
    {
        (this.context, this.netConf, this.election, this.options) = (context, netConf, election, options);
        node = new OwnNode(context.Api, options.NodeName);
        assignmentEvents = new AssignmentEvents(context);
    }

    /// <summary>A podCIDR is the Node's until the Node is deleted.</summary>
    public TimeSpan LeaseTime => TimeSpan.MaxValue;

    public string Name => KubeException.ManagerName;

    public string ConfigLocation => netConf.Path;

    public string ConfigCommand => $"kubectl -n {options.Namespace} edit configmap kube-flannel-cfg";

    public string DeletionCommand(SubnetKey key) => node.Latest is { } own && Has(own, key)
        ? $"kubectl delete node {node.Name}"
        : $"kubectl get nodes -o custom-columns=:.metadata.name,:.spec.podCIDR | grep {key.Subnet}, then kubectl delete node NAME";

    public async Task<SubnetState> ReadAsync(CancellationToken cancellation)
    {
        var config = netConf.Read();
        var listed = await NodeList.ReadAsync(context.Api, new NodeListRequest(), cancellation);
        var leases = listed.Nodes.Select(context.Leases.Read).ToList();
        var readable = leases.OfType<NodeLease.Leased>().Select(leased => leased.Lease).OrderBy(lease => lease.Subnet).ToList();
        return new SubnetState(
            config.Config, readable, [.. readable.Select(lease => lease.Subnet)], config.Revision,
            !leases.OfType<NodeLease.Unreadable>().Any())
        {
            TakenIpv6 = [.. readable.Select(lease => lease.Key.Ipv6Subnet).OfType<Ipv6Network>()],
        };
    }

    public Task<SubnetState> WaitForConfigAsync(ConfigRequest request, SubnetState? known, CancellationToken cancellation)
    {
        var retryPolicy = context.NewRetryPolicy();
        return request.WaitAsync(
            known, () => retryPolicy.RetryAsync(ReadStateAsync, retryRejected: false, cancellation),
            (revision, atMost) => WaitForConfigChangeAsync(revision, atMost, cancellation));

        Task<SubnetState> ReadStateAsync(CancellationToken token) =>
            request.Owner is { } owner ? ReadOwnAsync(owner, token) : ReadAsync(token);
    }

    public Task WaitForConfigChangeAsync(long revision, TimeSpan atMost, CancellationToken cancellation) =>
        netConf.WaitForChangeAsync(revision, atMost, cancellation);

    /// <inheritdoc/>
    /// <remarks>This subnet manager never reports that it is out of subnets.</remarks>
    public Task WaitForFreeSubnetAsync(long revision, TimeSpan atMost, CancellationToken cancellation) =>
        netConf.WaitForChangeAsync(revision, atMost, cancellation);

    public Task WaitForAssignmentAsync(AcquireResult.Unassigned result, TimeSpan atMost, CancellationToken cancellation) =>
        new Assignment(context, netConf, node, assignmentEvents).WaitForChangeAsync(result, atMost, cancellation);

    public Task<AcquireResult> AcquireAsync(AcquireRequest request, SubnetState? known, CancellationToken cancellation) =>
        new NodeAcquirer(context, netConf, node, request).RunAsync((known as OwnNodeState)?.Node, cancellation);

    public IAsyncEnumerable<LeaseEvent> HoldAsync(HeldLease held, CancellationToken cancellation) =>
        new NodeLeaseKeeper(context, netConf, node, election, held).HoldAsync(cancellation);

    public IAsyncEnumerable<LeaseSnapshot> WatchLeasesAsync(CancellationToken cancellation) =>
        new KubeLeaseWatcher(context, netConf).WatchAsync(cancellation);

    public IAsyncEnumerable<RouteStatusSnapshot> WatchRouteStatusesAsync(CancellationToken cancellation) =>
        new KubeRouteStatusWatcher(context).WatchAsync(cancellation);

    /// <summary>The addresses that an operator wrote on the Node of this process, which replace those of the flags. None while the Node
    /// does not exist.</summary>
    /// <exception cref="KubeException">The API server rejects the request, and retrying does not help.</exception>
    public Task<NodePublicAddresses> ReadNodeAddressesAsync(CancellationToken cancellation)
    {
        return context.NewRetryPolicy().RetryAsync(ReadOnceAsync, retryRejected: false, cancellation);

        async Task<NodePublicAddresses> ReadOnceAsync(CancellationToken token) => await node.ReadAsync(token) is { } found
            ? context.Annotations.ReadNodeAddresses(found)
            : new NodePublicAddresses(null, null);
    }

    /// <inheritdoc/>
    /// <remarks>The Node may be changed between the read and the write. Only the node itself and its own commands write these
    /// annotations.</remarks>
    public async Task<Lease?> UpdateAsync(Lease lease, LeaseAttributes attributes, CancellationToken cancellation)
    {
        var holder = new OwnNode(context.Api, ((KubeLeaseIdentity)lease.Identity).Node);
        if (await ReadSameAsync(holder, lease, cancellation) is not { } read) return null;
        var written = await holder.WriteAsync(read, context.Annotations.Differences(read, attributes), cancellation);
        return context.Leases.ToLease(written, lease.Key, attributes);
    }

    /// <inheritdoc/>
    /// <remarks>A podCIDR cannot be given back. Without the annotations the Node has no lease, and the route controller deletes its route;
    /// the annotations of operators stay. The next start of flanneld acquires the lease again.</remarks>
    public async Task<bool> ReleaseAsync(Lease lease, CancellationToken cancellation)
    {
        var holder = new OwnNode(context.Api, ((KubeLeaseIdentity)lease.Identity).Node);
        var read = await holder.ReadAsync(cancellation);
        if (read is null) return true;
        if (read.Uid != ((KubeLeaseIdentity)lease.Identity).Uid) return false;
        if (context.Annotations.IsManaged(read) && context.Leases.Digest(read) != lease.Version) return false;
        await holder.WriteAsync(read, context.Annotations.Deletion(read), cancellation);
        return true;
    }

    public async Task<RouteStatus?> ReadRouteStatusAsync(SubnetKey key, CancellationToken cancellation)
    {
        if (await node.ReadAsync(cancellation) is { } own && Has(own, key)) return StatusOf(own);
        var listed = await NodeList.ReadAsync(context.Api, new NodeListRequest(), cancellation);
        return listed.Nodes.FirstOrDefault(other => Has(other, key)) is { } found ? StatusOf(found) : null;
    }

    /// <summary>The route statuses of all Nodes by the key of their lease, in one list.</summary>
    /// <exception cref="KubeException">The API server is unavailable or rejects the request.</exception>
    public async Task<IReadOnlyDictionary<SubnetKey, RouteStatus>> ReadRouteStatusesAsync(CancellationToken cancellation)
    {
        var listed = await NodeList.ReadAsync(context.Api, new NodeListRequest(), cancellation);
        var found = new Dictionary<SubnetKey, RouteStatus>();
        foreach (var node in listed.Nodes)
        {
            if (PodCidrs.Find(node) is { } key && StatusOf(node) is { } status) found[key] = status;
        }

        return found;
    }

    public Task<ControllerHolder?> ReadControllerAsync(CancellationToken cancellation) => election.ReadControllerAsync(cancellation);

    public Task<NonCandidateList> ReadNonCandidatesAsync(int limit, CancellationToken cancellation) =>
        election.ReadNonCandidatesAsync(limit, cancellation);

    public Task DeleteNonCandidateAsync(string instanceId, CancellationToken cancellation) =>
        election.DeleteNonCandidateAsync(instanceId, cancellation);

    public Task ReportReadyAsync(CancellationToken cancellation) =>
        options.SetNodeNetworkUnavailable ? new NetworkCondition(context, node).ReportAvailableAsync(cancellation) : Task.CompletedTask;

    /// <summary>The lease of this node as its Node has it. It is this node's whatever address another program wrote on the Node; another
    /// instance is that of a machine that had the Node before.</summary>
    private async Task<SubnetState> ReadOwnAsync(LeaseOwner owner, CancellationToken cancellation)
    {
        var config = netConf.Read();
        var read = await node.ReadAsync(cancellation);
        var own = read is not null && context.Annotations.IsManaged(read)
            && PodCidrs.Find(read) is { } key && context.Annotations.Find(read) is { } attributes
                ? context.Leases.ToLease(
                    read, key, LeaseInstance.Read(attributes) is null ? attributes with { PublicIp = owner.PublicIp } : attributes)
                : null;
        return new OwnNodeState(config.Config, own is null ? [] : [own], config.Revision, read) { IsOwnLeaseOnly = true };
    }

    /// <summary>Null if the lease was changed since it was read.</summary>
    private async Task<KubeNode?> ReadSameAsync(OwnNode holder, Lease lease, CancellationToken cancellation) =>
        await holder.ReadAsync(cancellation) is { } read && read.Uid == ((KubeLeaseIdentity)lease.Identity).Uid
        && context.Leases.Digest(read) == lease.Version
            ? read
            : null;

    private static bool Has(KubeNode found, SubnetKey key) => PodCidrs.Find(found) == key;

    private RouteStatus? StatusOf(KubeNode found) => KubeRouteStatus.Read(found, context.Annotations)?.Status;
}

/// <summary>The state that one node needs.</summary>
/// <param name="Node">Null if it does not exist.</param>
internal sealed record OwnNodeState(ConfigState Config, IReadOnlyList<Lease> Leases, long Revision, KubeNode? Node)
    : SubnetState(Config, Leases, [.. Leases.Select(lease => lease.Subnet)], Revision, IsComplete: true);
