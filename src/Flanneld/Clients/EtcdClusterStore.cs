using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flanneld.Host;
using Flanneld.Options;

namespace Flanneld.Clients;

/// <summary>The cluster's data in etcd.</summary>
internal sealed class EtcdClusterStore : IClusterStore
{
    private const int ConcurrentReads = 16;

    private readonly DaemonOptions options;
    private readonly ClientContext context;
    private readonly EtcdOptions etcdOptions;

    private EtcdClusterStore(DaemonOptions options, ClientContext context, EtcdOptions etcd)
    {
        (this.options, this.context, etcdOptions) = (options, context, etcd);
        Connection = new EtcdConnection(etcd, context.Time, context.Random, context.Loggers.CreateLogger("etcd"), context.Metrics.Etcd);
        Subnets = new EtcdSubnetManager(CreateContext());
    }

    public EtcdConnection Connection { get; }

    public EtcdKeys Keys => options.EtcdKeys;

    public string Description => $"etcd at {options.EtcdEndpoints}";

    public string Location => Keys.Prefix;

    public string ClusterIdLocation => Keys.Cluster.ToStringUtf8();

    public IReadOnlyList<int> Ports => [.. etcdOptions.Endpoints.Select(endpoint => endpoint.Port).Distinct().Order()];

    public string ConfigEditCommand => "flanneld config set FILE";

    public ISubnetManager Subnets { get; }

    /// <summary>Reads the files that the options name, and sends nothing yet. Fails when the options or a file are invalid.</summary>
    public static Result<EtcdClusterStore> Open(DaemonOptions options, ClientContext context)
    {
        PasswordFile? file = null;
        if (options.EtcdPasswordFile is { } path)
        {
            var opened = PasswordFile.Open(path, context.Loggers.CreateLogger("etcd"));
            if (!opened.Ok) return Result.Failure(opened.Error);
            file = opened.Value;
        }

        var created = options.CreateEtcdOptions(file?.Current() ?? options.EtcdPassword);
        if (!created.Ok) return Result.Failure(created.Error);
        var etcd = created.Value with { PasswordFile = file, Advice = EndpointAdvice.Find(options, HostFiles.OfThisHost) };
        return EtcdConnection.CheckFiles(etcd).WithErrorPrefix("etcd: ").Select(_ => new EtcdClusterStore(options, context, etcd));
    }

    /// <summary>Sends nothing: flags and the metadata service identify the node.</summary>
    public Task<Result<StoredNode>> IdentifyNodeAsync(CancellationToken cancellation) =>
        Task.FromResult<Result<StoredNode>>(new StoredNode(PublicIp: null, PublicIpv6: null));

    public ISubnetManager CreateSubnetManager(LivenessMonitor loops) => new EtcdSubnetManager(
        CreateContext(), new EtcdSubnetManagerOptions { RenewMargin = options.RenewMargin }, loops);

    public Lease? FindOwnLease(SubnetState state, Ipv4Address publicIp) =>
        state.Leases.FirstOrDefault(lease => lease.Attributes.PublicIp == publicIp);

    public IControllerStore CreateControllerStore() => new EtcdControllerStore(CreateContext(), context.Loggers.CreateLogger("routes"));

    public IReadOnlyList<string> DescribeConnections() => Connection.Describe();

    public async Task<string> DescribeServersAsync(CancellationToken cancellation)
    {
        var members = await Connection.VersionsAsync(cancellation);
        return string.Concat(members.Select(member =>
            $"{member.Endpoint}: {(member.Version.Ok ? $"etcd {member.Version.Value}" : member.Version.Error)}\n"));
    }

    public async Task<ClusterIdState> ReadClusterIdAsync(CancellationToken cancellation) =>
        await ClusterStore.ReadAsync(Connection, Keys, cancellation) switch
        {
            ClusterIdResult.Known { Id: var id } => new ClusterIdState(id),
            ClusterIdResult.Unreadable => new ClusterIdState(Id: null, IsUnreadable: true),
            _ => new ClusterIdState(Id: null),
        };

    public Task<StoredConfig> ReadConfigAsync(CancellationToken cancellation) => ConfigStore.ReadAsync(Connection, Keys, cancellation);

    public async Task<IReadOnlyDictionary<SubnetKey, RouteStatus>> ReadRouteStatusesAsync(
        IReadOnlyList<Lease> leases, CancellationToken cancellation)
    {
        var found = new Dictionary<SubnetKey, RouteStatus>();
        foreach (var concurrent in leases.Chunk(ConcurrentReads))
        {
            var statuses = await Task.WhenAll(concurrent.Select(lease => Subnets.ReadRouteStatusAsync(lease.Key, cancellation)));
            foreach (var (lease, status) in concurrent.Zip(statuses))
            {
                if (status is not null) found[lease.Key] = status;
            }
        }

        return found;
    }

    public async Task<string?> FindMisplacedConfigAsync(CancellationToken cancellation) =>
        await V2Store.FindAsync(etcdOptions, Keys.Config.ToStringUtf8(), context.Time, cancellation) is { } endpoint
            ? $"the v2 store of {endpoint}"
            : null;

    public async Task<TimeSpan?> ReadTimeToLiveAsync(Lease lease, CancellationToken cancellation) =>
        lease.Identity is EtcdLeaseIdentity { IsReservation: false } held
            ? await Connection.LeaseTimeToLiveAsync(held.EtcdLeaseId, cancellation)
            : null;

    public void Dispose() => Connection.Dispose();

    private EtcdContext CreateContext() =>
        new(Connection, Keys, context.Time, context.Random, context.Loggers.CreateLogger("etcd")) { Observer = context.Metrics.Etcd };
}
