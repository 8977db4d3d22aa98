using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>Acquires the lease of this node: reads its Node, and writes the annotations that differ in one request (upstream
/// <c>pkg/subnet/kube/kube.go</c>, <c>AcquireLease</c>). The subnet is the Node's podCIDR, which the controller manager assigned.</summary>
internal sealed class NodeAcquirer(KubeContext context, NetConfFile netConf, OwnNode node, AcquireRequest request)
{
    /// <param name="known">The Node as it was just read; null to read it.</param>
    public async Task<AcquireResult> RunAsync(KubeNode? known, CancellationToken cancellation)
    {
        var retryPolicy = context.NewRetryPolicy();
        while (true)
        {
            try
            {
                return await AcquireAsync(known ?? await node.ReadAsync(cancellation), cancellation);
            }
            catch (KubeException e) when (e.CanBeAwaited || e.Kind == KubeErrorKind.NotFound)
            {
                // Conflict and NotFound: the Node was deleted, and may have been created again, since it was read.
                known = null;
                await retryPolicy.PauseAsync(e, cancellation);
            }
            catch (KubeException e)
            {
                return new AcquireResult.Rejected(e);
            }
        }
    }

    private async Task<AcquireResult> AcquireAsync(KubeNode? read, CancellationToken cancellation)
    {
        var state = netConf.Read();
        if (state.Config is not ConfigState.Present { Config: var config }) return new AcquireResult.NoConfig(state.Config);
        if (request.AttributesFor(config) is not { } attributes) return new AcquireResult.UnsupportedConfig(config);
        var version = Assignment.VersionOf(read, state.Revision);
        if (read is null) return new AcquireResult.NotAssigned(DescribeMissing()) { Version = version };
        if (FindUnassigned(read, config) is { } unassigned) return unassigned with { Version = version };
        var key = PodCidrs.Parse(read).Value;
        LogAnnotations(read);
        attributes = context.Annotations.Overwrite(read, attributes);
        if (NodeLeaseReader.FindContradiction(read, attributes, "the metadata service") is { } contradiction) return Reject(contradiction);
        var wasHeld = IsHeldBefore(read, attributes);
        var changes = context.Annotations.Differences(read, attributes).ToDictionary();
        // A status of a holding that has ended: the route controller writes a new one.
        if (read.Annotations.ContainsKey(context.Annotations.RouteStatus) && (!wasHeld || IsReleased(read)))
            changes[context.Annotations.RouteStatus] = null;
        var written = await node.WriteAsync(read, changes, cancellation);
        KubeLog.Leased(context.Logger, node.Name, key, changes.Count);
        return new AcquireResult.Held(new HeldLease(
            context.Leases.ToLease(written, key, attributes), config, state.Revision, wasHeld, Expiry: null));
    }

    /// <summary>Why the Node's podCIDRs cannot be used; null if they can be.</summary>
    private AcquireResult.Unassigned? FindUnassigned(KubeNode read, NetworkConfig config)
    {
        var subnets = PodCidrs.Parse(read);
        if (!subnets.Ok) return new AcquireResult.NotAssigned(DescribeUnassigned(subnets.Error));
        var (subnet, ipv6Subnet) = (subnets.Value.Subnet, subnets.Value.Ipv6Subnet);
        if (!config.Network.Contains(subnet)) return DescribeOutside(subnet, "Network", config.Network);
        if (config.Ipv6 is not { } ipv6) return null;
        if (ipv6Subnet is null) return new AcquireResult.NotAssigned(DescribeUnassigned("has no IPv6 podCIDR, and EnableIPv6 is true"));
        return ipv6.Network.Contains(ipv6Subnet.Value) ? null : DescribeOutside(ipv6Subnet.Value, "IPv6Network", ipv6.Network);
    }

    private AcquireResult.OutsideNetwork DescribeOutside(IpNetwork subnet, string name, IpNetwork network) => new(
        $"node {node.Name} has podCIDR {subnet}, which is outside {name} {network} of {netConf.Path}: make {name} the --cluster-cidr of"
        + " kube-controller-manager");

    private string DescribeMissing() =>
        $"node {node.Name} does not exist: start its kubelet, or correct NODE_NAME, which is the kubelet's node name";

    private string DescribeUnassigned(string problem) =>
        $"node {node.Name} {problem}: start kube-controller-manager with --allocate-node-cidrs=true and --cluster-cidr, as in"
        + " kubeadm's networking.podSubnet";

    private AcquireResult.Rejected Reject(string contradiction) => new(new KubeException(
        KubeErrorKind.Invalid,
        $"node {node.Name} {contradiction}: correct NODE_NAME, or delete the node and let its kubelet create it again"));

    private bool IsHeldBefore(KubeNode read, LeaseAttributes attributes) =>
        context.Annotations.IsManaged(read) && context.Annotations.Find(read) is { } before
        && LeaseInstance.Read(before)?.Id == LeaseInstance.Read(attributes)?.Id;

    private bool IsReleased(KubeNode read) => KubeRouteStatus.Read(read, context.Annotations) is { Status.State: RouteState.Released };

    private void LogAnnotations(KubeNode read)
    {
        foreach (var name in context.Annotations.FindInvalidAddresses(read)) KubeLog.InvalidAddress(context.Logger, name, node.Name);
        if (NodeExclusion.Find(read) is { } exclusion) KubeLog.Excluded(context.Logger, node.Name, exclusion);
    }
}
