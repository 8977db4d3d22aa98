using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Leases;
using Flanneld.Backends;
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

/// <summary>The services that the daemon and its commands use: the cluster's store and the metadata service as the options name them, and
/// the cloud's API once a network configuration is known.</summary>
internal sealed class Connections : IDisposable
{
    private readonly DaemonOptions options;
    private readonly ClientContext context;

    private Connections(DaemonOptions options, ClientContext context, IClusterStore store, MetadataOptions metadata)
    {
        (this.options, this.context, Store) = (options, context, store);
        Metadata = new MetadataClient(metadata, context.Time, context.Random, context.Loggers.CreateLogger("cloud"))
        {
            Observer = context.Metrics.Cloud,
        };
    }

    public IClusterStore Store { get; }

    public MetadataClient Metadata { get; }

    /// <inheritdoc cref="IClusterStore.Subnets"/>
    public ISubnetManager Subnets => Store.Subnets;

    /// <summary>Reads the files that the options name, and sends nothing yet. Fails when the options or a file are invalid.</summary>
    public static Result<Connections> Open(DaemonOptions options, ClientContext context)
    {
        var store = OpenStore(options, context);
        if (!store.Ok) return Result.Failure(store.Error);
        var connections = Open(options, context, store.Value);
        if (!connections.Ok) store.Value.Dispose();
        return connections;
    }

    private static Result<IClusterStore> OpenStore(DaemonOptions options, ClientContext context) => options.IsKubeSubnetManager
        ? KubernetesClusterStore.Open(options, context).Select<IClusterStore>(store => store)
        : EtcdClusterStore.Open(options, context).Select<IClusterStore>(store => store);

    /// <summary>The same with a store that is open. It is disposed with the connections.</summary>
    internal static Result<Connections> Open(DaemonOptions options, ClientContext context, IClusterStore store)
    {
        var accessKey = CheckAccessKeyFile(options);
        if (!accessKey.Ok) return Result.Failure(accessKey.Error);
        return MetadataOptions.Parse(options.MetadataEndpoint, context.Environment.GetValueOrDefault)
            .Select(metadata => new Connections(options, context, store, metadata));
    }

    /// <summary>The cloud's API with the credentials of a configuration and this host. The caller disposes it.</summary>
    public CloudAccess OpenCloud(AliVpcBackendConfig backend) => new(options, context, backend, Metadata);

    public void Dispose()
    {
        Metadata.Dispose();
        Store.Dispose();
    }

    /// <summary>A file that a flag names and that cannot be read is reported before any request: waiting does not help.</summary>
    private static Result<Unit> CheckAccessKeyFile(DaemonOptions options) => options.AccessKeyFile is { } path
        ? SmallFile.CheckReadable(path).WithErrorPrefix($"--access-key-file {Redaction.Path(path)} ")
        : Unit.Instance;
}
