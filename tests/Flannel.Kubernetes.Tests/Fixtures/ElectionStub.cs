using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Registry;

namespace Flannel.Kubernetes.Tests.Fixtures;

/// <summary>What the election returns.</summary>
public sealed class ElectionStub : IKubeElectionReader
{
    private int reads;

    public ControllerHolder? Holder { get; set; }

    public KubeException? Failure { get; set; }

    public int Reads => Volatile.Read(ref reads);

    public Task<ControllerHolder?> ReadControllerAsync(CancellationToken cancellation)
    {
        Interlocked.Increment(ref reads);
        return Failure is { } failure ? Task.FromException<ControllerHolder?>(failure) : Task.FromResult(Holder);
    }

    public Task<NonCandidateList> ReadNonCandidatesAsync(int limit, CancellationToken cancellation) =>
        Task.FromResult(NonCandidateList.Empty);

    public Task DeleteNonCandidateAsync(string instanceId, CancellationToken cancellation) => Task.CompletedTask;
}
