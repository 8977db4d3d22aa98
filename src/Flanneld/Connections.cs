using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flanneld.Backends;
using Flanneld.Controller;
using Flanneld.Observability;
using Flanneld.Options;
using Microsoft.Extensions.Logging;

namespace Flanneld;

/// <summary>Whom the daemon and its commands talk to: etcd and the metadata service as the options name them, and the cloud's API once a network
/// configuration is known.</summary>
internal sealed class Connections : IDisposable
{
    private readonly DaemonOptions options;
    private readonly IReadOnlyDictionary<string, string> environment;
    private readonly ILoggerFactory loggers;
    private readonly TimeProvider time;
    private readonly Random random;
    private readonly EtcdOptions etcdOptions;

    private Connections(
        DaemonOptions options, IReadOnlyDictionary<string, string> environment, ILoggerFactory loggers, TimeProvider time, Random random,
        EtcdOptions etcd, MetadataOptions metadata)
    {
        (this.options, this.environment, this.loggers, this.time, this.random) = (options, environment, loggers, time, random);
        etcdOptions = etcd;
        Etcd = new EtcdConnection(etcd, time, random, loggers.CreateLogger("etcd"));
        Metadata = new MetadataClient(metadata, time, random, loggers.CreateLogger("cloud"));
    }

    public EtcdConnection Etcd { get; }

    public MetadataClient Metadata { get; }

    public SubnetRegistry Registry => new(Etcd, options.EtcdKeys, time, random, loggers.CreateLogger("etcd"));

    /// <summary>Nothing is asked of the network yet. Null with one line when the options or a file that they name cannot serve.</summary>
    public static Connections? Open(
        DaemonOptions options, IReadOnlyDictionary<string, string> environment, ILoggerFactory loggers, TimeProvider time, Random random, out string error)
    {
        PasswordFile? file = null;
        if (options.EtcdPasswordFile is { } path
            && (file = PasswordFile.Open(path, loggers.CreateLogger("etcd"), out error)) is null) return null;
        if (options.CreateEtcdOptions(file?.Current() ?? options.EtcdPassword, out error) is not { } created) return null;
        var etcd = created with { PasswordFile = file };
        error = FileProblem(options, etcd) ?? "";
        if (error.Length > 0 || MetadataOptions.Parse(options.MetadataEndpoint, environment.GetValueOrDefault, out error) is not { } metadata) return null;
        return new Connections(options, environment, loggers, time, random, etcd, metadata);
    }

    /// <summary>The endpoint whose v2 store has the configuration; null for none.</summary>
    public Task<string?> FindConfigInV2StoreAsync(CancellationToken cancellation) =>
        V2Store.FindAsync(etcdOptions, options.EtcdKeys.Config.ToStringUtf8(), time, cancellation);

    /// <summary>The cloud's API with the credentials that a configuration and this host give; to be disposed of by the caller.</summary>
    public CloudAccess OpenCloud(AliVpcBackendConfig backend) =>
        new(options, environment, backend, Metadata, time, random, loggers.CreateLogger("cloud"));

    /// <summary>Of a configuration that <see cref="NodeBackend.Refusal"/> has nothing against.</summary>
    public static AliVpcBackendConfig Backend(NetworkConfig config) =>
        AliVpcBackendConfig.Parse(config.Backend, out var error) ?? throw new InvalidOperationException(error);

    public void Dispose()
    {
        Metadata.Dispose();
        Etcd.Dispose();
    }

    /// <summary>A file that a flag names and nobody can read will not heal by waiting: it is told before anything is asked of the network.</summary>
    private static string? FileProblem(DaemonOptions options, EtcdOptions etcd)
    {
        if (EtcdConnection.FileProblem(etcd) is { } problem) return $"etcd: {problem}";
        return options.AccessKeyFile is { } path && SmallFile.FindProblem(path) is { } reason
            ? $"--access-key-file {Redaction.Path(path)} {reason}"
            : null;
    }
}
