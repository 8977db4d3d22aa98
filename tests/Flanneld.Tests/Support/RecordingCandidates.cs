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

    public bool IsStarted { get; private set; }

    /// <summary>The id of the last access key that it received.</summary>
    public string? AccessKeyId { get; private set; }

    public string? NotCandidateReason => null;

    public string DescribeCredentials() => "not used yet";

    public void SetAccessKey(AccessKey? key) => AccessKeyId = key?.Id;

    public Task RunAsync(CancellationToken cancellation)
    {
        IsStarted = true;
        return Task.Delay(Timeout.Infinite, cancellation);
    }

    public void Dispose()
    {
        // It holds nothing.
    }
}
