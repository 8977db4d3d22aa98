using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Tests.Conformance;

/// <summary>An API server that the same tests run on: the model, or a real one. Its methods are actions of other parties.</summary>
internal interface IServerUnderTest : IAsyncDisposable
{
    /// <summary>Of the Leases and Pods of the test.</summary>
    string Namespace { get; }

    /// <summary>A client that RBAC allows everything.</summary>
    IKubeApi Client { get; }

    /// <summary>A client that RBAC denies one request.</summary>
    Task<IKubeApi> CreateClientAsync(AccessReview denied);

    /// <summary>A client whose token is not valid.</summary>
    IKubeApi CreateUnauthenticatedClient();

    Task CreateNodeAsync(KubeNode node);

    Task DeleteNodeAsync(string name);

    /// <summary>A kubelet writes its status.</summary>
    Task TouchNodeAsync(string name);

    Task LabelNodeAsync(string name, string label, string value);

    /// <param name="nodeName">Null for a pod that is not scheduled.</param>
    Task CreatePodAsync(string name, string? nodeName);

    Task DeleteLeaseAsync(string name);

    /// <summary>Writes an object that is no node.</summary>
    Task WriteAnotherObjectAsync();

    /// <summary>Compacts the history of etcd.</summary>
    Task CompactAsync();

    Task StopAsync();

    Task StartAsync();
}
