using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Signing;
using Flannel.Core.Leases;
using Flanneld.Backends;

namespace Flanneld.Controller;

/// <summary>This node as a candidate for route controller. Disposed after <see cref="RunAsync"/> has ended.</summary>
internal interface IControllerCandidate : IDisposable
{
    /// <summary>Why this node is not a candidate now; null while it is one.</summary>
    string? NotCandidateReason { get; }

    /// <summary>The source of the current credentials and their expiry, one line without a secret. Thread-safe.</summary>
    string DescribeCredentials();

    /// <summary>Replaces the access key of the network configuration; null for none.</summary>
    void SetAccessKey(AccessKey? key);

    /// <summary>Campaigns and controls routes until it is cancelled. Until this node has its lease, it only prepares for that: it reads
    /// what its first term needs if no route controller is elected.</summary>
    /// <param name="leased">Completes when this node has its lease.</param>
    Task RunAsync(Task leased, CancellationToken cancellation);
}

/// <summary>Creates the candidate of a node whose backend requires routes.</summary>
internal interface ICandidateFactory
{
    /// <param name="held">This node's lease as it is now; null without one.</param>
    IControllerCandidate Create(AliVpcBackend backend, InstanceIdentity self, Func<Lease?> held);
}
