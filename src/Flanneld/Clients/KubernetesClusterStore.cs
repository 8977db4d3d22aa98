using System.Text;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Access;
using Flannel.Kubernetes.Client.Http;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Election;
using Flannel.Kubernetes.Registry;
using Flanneld.Options;
using Microsoft.Extensions.Logging;

namespace Flanneld.Clients;

/// <summary>The cluster's data in the Kubernetes API: leases and route statuses in the Nodes, the election in Leases of the daemons'
/// namespace. The network configuration is a file of this host.</summary>
internal sealed class KubernetesClusterStore : IClusterStore
{
    private const string LogCategory = "kubernetes";

    private readonly DaemonOptions options;
    private readonly ClientContext context;
    private readonly IKubeApi api;
    private readonly KubeContext kube;
    private readonly NetConfFile netConf;
    private readonly ILogger logger;
    private KubeSubnetManager subnets;
    private string? nodeName;

    /// <param name="namespace">Of the daemons.</param>
    internal KubernetesClusterStore(
        DaemonOptions options, ClientContext context, IKubeApi api, NodeAnnotations annotations, string @namespace)
    {
        (this.options, this.context, this.api) = (options, context, api);
        logger = context.Loggers.CreateLogger(LogCategory);
        kube = new KubeContext(api, annotations, context.Time, context.Random, logger);
        netConf = new NetConfFile(options.NetConfigPath, context.Time);
        Controller = new KubeControllerContext(kube, @namespace) { SetsNetworkUnavailable = options.SetsNodeNetworkUnavailable };
        // The daemon reads it from the pod otherwise. A command of an operator does not run on a node.
        nodeName = context.Environment.GetValueOrDefault(NodeNameResolver.NodeNameVariable) is { } name && ObjectName.IsValid(name)
            ? name
            : null;
        subnets = CreateSubnets();
    }

    public IKubeApi Api => api;

    public NodeAnnotations Annotations => kube.Annotations;

    public KubeControllerContext Controller { get; }

    /// <summary>The name of the Node that this process runs on; null while it is not known.</summary>
    public string? NodeName => nodeName;

    public string Description => $"the Kubernetes API at {api.Address}";

    public string Location => api.Address;

    public string ClusterIdLocation => KubeClusterStore.LocationIn(Controller.Namespace);

    public IReadOnlyList<int> Ports => Uri.TryCreate(api.Address, UriKind.Absolute, out var address) ? [address.Port] : [];

    public string ConfigEditCommand => subnets.ConfigCommand;

    public ISubnetManager Subnets => subnets;

    /// <summary>Reads the files that the options name, and sends nothing yet. Fails when the options or a file are invalid.</summary>
    public static Result<KubernetesClusterStore> Open(DaemonOptions options, ClientContext context)
    {
        var annotations = NodeAnnotations.Create(options.KubeAnnotationPrefix).WithErrorPrefix("--kube-annotation-prefix: ");
        if (!annotations.Ok) return Result.Failure(annotations.Error);
        var @namespace = KubeNamespace.Find(context.Environment, KubeAccessOptions.DefaultServiceAccountFolder);
        if (!@namespace.Ok) return Result.Failure(@namespace.Error);
        return KubeApi.Create(options.CreateKubeAccess(context.Environment), CreateApiContext(context))
            .Select(api => new KubernetesClusterStore(options, context, api, annotations.Value, @namespace.Value));
    }

    /// <inheritdoc/>
    public async Task<Result<StoredNode>> IdentifyNodeAsync(CancellationToken cancellation)
    {
        var resolver = new NodeNameResolver(api, context.Environment.GetValueOrDefault, logger, context.Time, context.Random);
        var resolved = await resolver.ResolveAsync(cancellation);
        if (!resolved.Ok) return Result.Failure(resolved.Error);
        nodeName = resolved.Value;
        subnets = CreateSubnets();
        try
        {
            var addresses = await subnets.ReadNodeAddressesAsync(cancellation);
            return new StoredNode(addresses.PublicIp, addresses.PublicIpv6);
        }
        catch (KubeException e)
        {
            return Result.Failure(e.Summary);
        }
    }

    public ISubnetManager CreateSubnetManager(LivenessMonitor loops) => subnets;

    public IControllerStore CreateControllerStore() => new KubeControllerStore(
        Controller, nodeName ?? throw new InvalidOperationException("the node is not identified"), netConf,
        context.Loggers.CreateLogger("routes"));

    /// <inheritdoc/>
    /// <remarks>The lease of a Node without flannel's annotations is that of no daemon: it has no backend.</remarks>
    public Lease? FindOwnLease(SubnetState state, Ipv4Address publicIp) => state.Leases.FirstOrDefault(lease =>
        lease.Attributes.BackendType.Length > 0 && (nodeName is { } name
            ? ((KubeLeaseIdentity)lease.Identity).Node == name
            : lease.Attributes.PublicIp == publicIp));

    public IReadOnlyList<string> DescribeConnections() =>
        [$"API server {api.Address}, node {nodeName ?? "unknown"}, namespace {Controller.Namespace}, configuration {netConf.Path}"];

    /// <inheritdoc/>
    /// <remarks>With this node's Node: its annotations of flannel, and its condition.</remarks>
    public async Task<string> DescribeServersAsync(CancellationToken cancellation)
    {
        var version = await api.GetVersionAsync(cancellation);
        var lines = new StringBuilder($"{api.Address}: Kubernetes {version}\nnamespace {Controller.Namespace}\n");
        if (nodeName is not { } name) return lines.Append("the name of the node is not known\n").ToString();
        var node = await api.GetNodeAsync(name, cancellation);
        lines.Append($"node {name}: podCIDR {string.Join(", ", node.PodCidrs)}, providerID {node.ProviderId}\n");
        if (node.NetworkUnavailable is { } condition)
            lines.Append($"condition NetworkUnavailable={condition.IsTrue}, reason {condition.Reason}: {condition.Message}\n");
        foreach (var (key, value) in node.Annotations.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (Annotations.IsOwn(key)) lines.Append($"{key}: {value}\n");
        }

        return lines.ToString();
    }

    public async Task<ClusterIdState> ReadClusterIdAsync(CancellationToken cancellation) =>
        await KubeClusterStore.ReadAsync(Controller, cancellation) switch
        {
            ClusterIdResult.Known { Id: var id } => new ClusterIdState(id),
            ClusterIdResult.Unreadable => new ClusterIdState(Id: null, IsUnreadable: true),
            _ => new ClusterIdState(Id: null),
        };

    /// <exception cref="KubeException">The file exists and cannot be read.</exception>
    public Task<StoredConfig> ReadConfigAsync(CancellationToken cancellation) => SmallFile.Read(netConf.Path) switch
    {
        SmallFileResult.Present present => Task.FromResult(new StoredConfig(present.Content, ModRevision: 0)),
        SmallFileResult.Unusable { Fault: SmallFileFault.Missing } => Task.FromResult(new StoredConfig(Value: null, ModRevision: 0)),
        SmallFileResult.Unusable unusable => throw new KubeException(KubeErrorKind.Invalid, $"{netConf.Path} {unusable.Reason}"),
        var other => throw new InvalidOperationException($"unexpected {other.GetType()}"),
    };

    public async Task<IReadOnlyDictionary<SubnetKey, RouteStatus>> ReadRouteStatusesAsync(
        IReadOnlyList<Lease> leases, CancellationToken cancellation) => await subnets.ReadRouteStatusesAsync(cancellation);

    /// <summary>None: an account of a node may not read other objects.</summary>
    public Task<string?> FindMisplacedConfigAsync(CancellationToken cancellation) => Task.FromResult<string?>(null);

    /// <summary>None: the lease ends with its Node.</summary>
    public Task<TimeSpan?> ReadTimeToLiveAsync(Lease lease, CancellationToken cancellation) => Task.FromResult<TimeSpan?>(null);

    public void Dispose() => (api as IDisposable)?.Dispose();

    private KubeSubnetManager CreateSubnets() => new(
        kube, netConf, new KubeElectionReader(Controller),
        new KubeSubnetManagerOptions
        {
            NodeName = nodeName,
            SetNodeNetworkUnavailable = options.SetsNodeNetworkUnavailable,
            Namespace = Controller.Namespace,
        });

    private static KubeApiContext CreateApiContext(ClientContext context) => new()
    {
        ProgramVersion = ProgramVersion.Text,
        Logger = context.Loggers.CreateLogger(LogCategory),
        Observer = context.Metrics.Kube,
        Time = context.Time,
        Random = context.Random,
    };
}
