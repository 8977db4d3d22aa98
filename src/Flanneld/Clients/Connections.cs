using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flanneld.Backends;
using Flanneld.Host;
using Flanneld.Observability;
using Flanneld.Options;
using Microsoft.Extensions.Logging;

namespace Flanneld.Clients;

/// <summary>The collaborators that all clients of this process share.</summary>
internal sealed record ClientContext(
    IReadOnlyDictionary<string, string> Environment, ILoggerFactory Loggers, TimeProvider Time, Random Random)
{
    /// <summary>Receives what the clients do.</summary>
    public DaemonMetrics Metrics { get; init; } = new();
}

/// <summary>The services that the daemon and its commands use: etcd and the metadata service as the options name them, and the cloud's API
/// once a network configuration is known.</summary>
internal sealed class Connections : IDisposable
{
    private readonly DaemonOptions options;
    private readonly ClientContext context;
    private readonly EtcdOptions etcdOptions;

    private Connections(DaemonOptions options, ClientContext context, EtcdOptions etcd, MetadataOptions metadata)
    {
        (this.options, this.context, etcdOptions) = (options, context, etcd);
        Etcd = new EtcdConnection(etcd, context.Time, context.Random, context.Loggers.CreateLogger("etcd"), context.Metrics.Etcd);
        Metadata = new MetadataClient(metadata, context.Time, context.Random, context.Loggers.CreateLogger("cloud"))
        {
            Observer = context.Metrics.Cloud,
        };
        Subnets = new EtcdSubnetManager(CreateEtcdContext());
    }

    public EtcdConnection Etcd { get; }

    public MetadataClient Metadata { get; }

    /// <summary>For the commands. The daemon's node uses that of <see cref="CreateSubnetManager"/>.</summary>
    public EtcdSubnetManager Subnets { get; }

    /// <summary>Reads the files that the options name, and sends nothing yet. Fails when the options or a file are invalid.</summary>
    public static Result<Connections> Open(DaemonOptions options, ClientContext context)
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
        var files = CheckFiles(options, etcd);
        if (!files.Ok) return Result.Failure(files.Error);
        return MetadataOptions.Parse(options.MetadataEndpoint, context.Environment.GetValueOrDefault)
            .Select(metadata => new Connections(options, context, etcd, metadata));
    }

    /// <summary>The subnet manager that holds this node's lease.</summary>
    /// <param name="loops">Monitors the loop that holds the lease.</param>
    public ISubnetManager CreateSubnetManager(LivenessMonitor loops) => new EtcdSubnetManager(
        CreateEtcdContext(), new EtcdSubnetManagerOptions { RenewMargin = options.RenewMargin }, loops);

    /// <summary>The endpoint whose v2 store has the configuration; null for none.</summary>
    public Task<string?> FindConfigInV2StoreAsync(CancellationToken cancellation) =>
        V2Store.FindAsync(etcdOptions, options.EtcdKeys.Config.ToStringUtf8(), context.Time, cancellation);

    /// <summary>The cloud's API with the credentials of a configuration and this host. The caller disposes it.</summary>
    public CloudAccess OpenCloud(AliVpcBackendConfig backend) => new(options, context, backend, Metadata);

    public void Dispose()
    {
        Metadata.Dispose();
        Etcd.Dispose();
    }

    private EtcdContext CreateEtcdContext() =>
        new(Etcd, options.EtcdKeys, context.Time, context.Random, context.Loggers.CreateLogger("etcd"))
        {
            Observer = context.Metrics.Etcd,
        };

    /// <summary>A file that a flag names and that cannot be read is reported before any request: waiting does not help.</summary>
    private static Result<Unit> CheckFiles(DaemonOptions options, EtcdOptions etcd)
    {
        var files = EtcdConnection.CheckFiles(etcd).WithErrorPrefix("etcd: ");
        if (!files.Ok || options.AccessKeyFile is not { } path) return files;
        return SmallFile.CheckReadable(path).WithErrorPrefix($"--access-key-file {Redaction.Path(path)} ");
    }
}
