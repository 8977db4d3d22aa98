using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Registry;
using Flanneld.Clients;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary>Checks the Kubernetes API: the server, what this account may do there, and the Node that this process runs on.</summary>
/// <param name="environment">Of this process and of the installed service.</param>
internal sealed class KubernetesStoreCheck(
    DaemonOptions options, IReadOnlyDictionary<string, string> environment, KubernetesClusterStore store) : IStoreCheck
{
    /// <summary>What CCM writes, as all cloud controller managers do (cloud-provider <c>route_controller.go</c>).</summary>
    private const string CloudControllerMessage = "RouteController ";

    private static readonly string[] OwnReasons = ["FlannelIsUp", "RouteCreated", "NoRouteCreated"];

    public CheckKind Kind => CheckKind.Kubernetes;

    public TimeSpan Limit => CheckLimits.Kubernetes;

    public async Task<bool> CheckServersAsync(CheckSection results, CancellationToken cancellation)
    {
        try
        {
            var version = await store.Api.GetVersionAsync(cancellation);
            results.Add(CheckResult.Ok(CheckKind.Kubernetes, $"{store.Api.Address} is Kubernetes {version}"));
        }
        catch (KubeException e)
        {
            results.Add(CheckResult.Problem(CheckKind.Kubernetes, e.Message, AdviceFor(e)));
            return false;
        }

        await new RbacCheck(store, results).RunAsync(RequiredAccess.Of(options, environment, store), cancellation);
        return true;
    }

    public async Task CheckNodeAsync(CheckSection results, NetworkConfig? config, CancellationToken cancellation)
    {
        if (store.NodeName is not { } name)
        {
            results.Add(CheckResult.Note(CheckKind.PodCidr, "not checked: NODE_NAME is not set, so the Node of this host is not known"));
            return;
        }

        var node = await ReadAsync(name, results, cancellation);
        if (node is null) return;
        results.Add(CheckSubnets(node, config));
        if (NodeExclusion.Find(node) is { } exclusion)
        {
            results.Add(CheckResult.Warning(
                CheckKind.PodCidr, $"node {name} is excluded from routing by {exclusion}: the route controller creates no route of it",
                "remove the exclusion, unless another tool routes this node"));
        }

        if (options.SetsNodeNetworkUnavailable) results.Add(DescribeCondition(node.NetworkUnavailable));
    }

    public string AdviceFor(SubnetManagerException error) => (error as KubeException)?.Kind switch
    {
        KubeErrorKind.Unavailable or KubeErrorKind.TimedOut => "let this host connect to the API server, or correct --kube-api-url",
        KubeErrorKind.Tls => "see the certificates of the kubeconfig, or ca.crt of the service account",
        KubeErrorKind.Unauthorized => "give a valid token or client certificate",
        KubeErrorKind.Forbidden => "grant the verb as in the RBAC of docs/kubernetes.md",
        _ => "see --kubeconfig-file and --kube-api-url",
    };

    /// <returns>Null when it could not be read, which is reported.</returns>
    private async Task<KubeNode?> ReadAsync(string name, CheckSection results, CancellationToken cancellation)
    {
        try
        {
            return await store.Api.GetNodeAsync(name, cancellation);
        }
        catch (KubeException e) when (e.Kind == KubeErrorKind.NotFound)
        {
            results.Add(CheckResult.Problem(
                CheckKind.PodCidr, $"node {name} does not exist",
                "start its kubelet, or correct NODE_NAME, which is the kubelet's node name"));
        }
        catch (KubeException e)
        {
            results.Add(CheckResult.Unknown(CheckKind.PodCidr, $"node {name} not read: {e.Message}"));
        }

        return null;
    }

    /// <param name="config">Null if it is not known: then the range is not compared.</param>
    internal static CheckResult CheckSubnets(KubeNode node, NetworkConfig? config)
    {
        var kind = CheckKind.PodCidr;
        var subnets = PodCidrs.Parse(node);
        if (!subnets.Ok)
        {
            return CheckResult.Problem(
                kind, $"node {node.Name} {subnets.Error}",
                "start kube-controller-manager with --allocate-node-cidrs=true and --cluster-cidr, as in kubeadm's networking.podSubnet");
        }

        var (subnet, ipv6) = (subnets.Value.Subnet, subnets.Value.Ipv6Subnet);
        if (config is not null && !config.Network.Contains(subnet)) return Outside(node, subnet, "Network", config.Network);
        if (config?.Ipv6 is { } range && ipv6 is null)
        {
            return CheckResult.Problem(
                kind, $"node {node.Name} has no IPv6 podCIDR, and EnableIPv6 is true",
                $"add {range.Network} to --cluster-cidr of kube-controller-manager, or set EnableIPv6 to false");
        }

        if (config?.Ipv6 is { } outer && ipv6 is { } inner && !outer.Network.Contains(inner))
            return Outside(node, inner, "IPv6Network", outer.Network);
        return CheckResult.Ok(kind, $"node {node.Name} has {subnet}{(ipv6 is null ? "" : $" and {ipv6}")}");
    }

    internal static CheckResult DescribeCondition(NodeCondition? condition)
    {
        var kind = CheckKind.NodeCondition;
        if (condition is null) return CheckResult.Note(kind, "NetworkUnavailable is not set yet");
        var detail = $"NetworkUnavailable={condition.IsTrue}, reason {condition.Reason}: {condition.Message}";
        if (condition.Message.StartsWith(CloudControllerMessage, StringComparison.Ordinal))
        {
            return CheckResult.Warning(
                kind, $"{detail}; a cloud controller manager wrote it",
                "start the cloud controller manager with --configure-cloud-routes=false: it writes the same routes");
        }

        if (!OwnReasons.Contains(condition.Reason))
        {
            return CheckResult.Warning(
                kind, $"{detail}; another program wrote it", "remove the other network plug-in, or let it serve this node alone");
        }

        return condition.IsTrue
            ? CheckResult.Warning(kind, detail, "Kubernetes schedules no pods here until the route is available: see that result")
            : CheckResult.Ok(kind, detail);
    }

    private static CheckResult Outside(KubeNode node, IpNetwork subnet, string name, IpNetwork network) => CheckResult.Problem(
        CheckKind.PodCidr, $"node {node.Name} has podCIDR {subnet}, which is outside {name} {network}",
        $"make {name} the --cluster-cidr of kube-controller-manager");
}
