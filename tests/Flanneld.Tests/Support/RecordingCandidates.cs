using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Signing;
using Flannel.Core.Leases;
using Flanneld.Backends;
using Flanneld.Controller;

namespace Flanneld.Tests.Support;

/// <summary>Creates candidates that never campaign.</summary>
internal sealed class RecordingCandidates : ICandidateFactory
{
    /// <summary>The candidate of the node; null before one was created.</summary>
    public RecordingCandidate? Created { get; private set; }

    public IControllerCandidate Create(AliVpcBackend backend, InstanceIdentity self, Func<Lease?> held) =>
        Created = new RecordingCandidate(self);
}

internal sealed class RecordingCandidate(InstanceIdentity self) : IControllerCandidate
{
    public InstanceIdentity Self => self;

    /// <summary>Whether it may read the cloud.</summary>
    public bool IsPrepared { get; private set; }

    /// <summary>Whether it may campaign.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>The id of the last access key that it received.</summary>
    public string? AccessKeyId { get; private set; }

    public string? NotCandidateReason => null;

    public string DescribeCredentials() => "not used yet";

    public void SetAccessKey(AccessKey? key) => AccessKeyId = key?.Id;

    public async Task RunAsync(Task leased, CancellationToken cancellation)
    {
        IsPrepared = true;
        await leased.WaitAsync(cancellation);
        IsStarted = true;
        await Task.Delay(Timeout.Infinite, cancellation);
    }

    public bool IsDisposed { get; private set; }

    public void Dispose() => IsDisposed = true;
}
