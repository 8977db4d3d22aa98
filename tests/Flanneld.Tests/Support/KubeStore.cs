using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Registry;
using Flanneld.Clients;
using Flanneld.Options;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flanneld.Tests.Support;

/// <summary>A cluster's store in a model of the API server.</summary>
internal sealed class KubeStore : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory().FullName;

    /// <param name="nodeName">Of this host; null for a host that is no node.</param>
    public KubeStore(string? nodeName = "n1")
    {
        Server = new KubeServerModel(TimeProvider.System);
        Api = new ModelKubeApi(Server);
        Options.NetConfigPath = Path.Combine(folder, "net-conf.json");
        Environment["POD_NAMESPACE"] = "flannel";
        if (nodeName is not null) Environment["NODE_NAME"] = nodeName;
        Context = new ClientContext(Environment, NullLoggerFactory.Instance, TimeProvider.System, new Random(1));
        Store = new KubernetesClusterStore(
            Options, Context, Api, NodeAnnotations.Create(NodeAnnotations.DefaultPrefix).Value, "flannel");
    }

    public KubeServerModel Server { get; }

    public ModelKubeApi Api { get; }

    public DaemonOptions Options { get; } = new() { IsKubeSubnetManager = true };

    public Dictionary<string, string> Environment { get; } = new(StringComparer.Ordinal);

    public ClientContext Context { get; }

    public KubernetesClusterStore Store { get; }

    public void Dispose()
    {
        Store.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
