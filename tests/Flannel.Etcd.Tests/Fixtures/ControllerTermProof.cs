using Flannel.Core.Routes;
using Flannel.Etcd.Election;

namespace Flannel.Etcd.Tests.Fixtures;

internal static class ControllerTermProof
{
    /// <summary>Whether the election is held; no lease is checked.</summary>
    public static async ValueTask<bool> StillHeldAsync(this ElectedTerm term, CancellationToken cancellation) =>
        await term.ProveAsync([], [], cancellation) == TermProof.Proven;
}
