using Flannel.AliCloud.Credentials;
using Flannel.RouteController.Infrastructure;
using Flanneld.Clients;

namespace Flanneld.Controller;

/// <summary>The cloud of a candidate: its API, which keeps what the candidate reads for its term, and its credentials.</summary>
/// <param name="access">Disposed with this.</param>
internal sealed class CandidateCloud(ICloudAccess access, TimeProvider time) : IDisposable
{
    public CredentialChain Credentials => access.Credentials;

    public PrefetchingCloudApi Api { get; } = new(access.Api, time);

    public void Dispose() => access.Dispose();
}
