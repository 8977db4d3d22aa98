using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flanneld.Controller;

/// <summary>Finds out why no route controller is elected, while this node waits for one. Polls a few keys: a watch would send each of a
/// thousand waiting nodes the keys of all others, a million events, and a poll of each node every 30 s is 33 small reads per
/// second.</summary>
/// <param name="instanceId">Of this node.</param>
/// <param name="mayControl">False with <c>--route-controller=never</c>.</param>
internal sealed class ControllerVacancy(ISubnetManager subnets, string instanceId, bool mayControl, TimeProvider time, Random random)
{
    /// <summary>When no node has published a reason although no route controller is elected.</summary>
    private const string UnknownReason =
        "no node says why: either none has --route-controller=auto, or those that have it run a version that does not say it";

    private const int NamedNodes = 2;

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(5);

    // An election of a permitted node takes about three seconds: reasons are of interest only after that.
    private static readonly TimeSpan FirstRead = TimeSpan.FromSeconds(5);

    // With up to half of it more at random, so that nodes that began to wait together do not read together.
    private static readonly TimeSpan ReadInterval = TimeSpan.FromSeconds(30);

    private volatile string reason = "";

    /// <summary>Why none is elected, one line; empty while this node does not wait, and before the first read. Safe to read from any
    /// thread.</summary>
    public string Reason => reason;

    /// <summary>Ends only by cancellation.</summary>
    /// <param name="isWaiting">Whether this node waits for a route controller, and none is elected.</param>
    /// <param name="notCandidateReason">Why this node is not a candidate; null while it is one.</param>
    public async Task RunAsync(Func<bool> isWaiting, Func<string?> notCandidateReason, CancellationToken cancellation)
    {
        var isOwnDeleted = mayControl;
        var nextRead = FirstRead;
        var began = time.GetTimestamp();
        while (true)
        {
            await Task.Delay(Tick, time, cancellation);
            isOwnDeleted = isOwnDeleted || await DeleteOwnAsync(cancellation);
            if (!isWaiting())
            {
                (reason, nextRead, began) = ("", FirstRead, time.GetTimestamp());
                continue;
            }

            if (time.GetElapsedTime(began) < nextRead) continue;
            await ReadAsync(notCandidateReason, cancellation);
            (nextRead, began) = (ReadInterval * (1 + random.NextDouble() / 2), time.GetTimestamp());
        }
    }

    /// <summary>What a run before this one, with <c>--route-controller=auto</c>, published.</summary>
    private async Task<bool> DeleteOwnAsync(CancellationToken cancellation)
    {
        try
        {
            await subnets.DeleteNonCandidateAsync(instanceId, cancellation);
            return true;
        }
        catch (SubnetManagerException)
        {
            return false;
        }
    }

    private async Task ReadAsync(Func<string?> notCandidateReason, CancellationToken cancellation)
    {
        try
        {
            var list = await subnets.ReadNonCandidatesAsync(NamedNodes, cancellation);
            reason = Explain(list, mayControl, notCandidateReason());
        }
        catch (SubnetManagerException)
        {
            // The node reports separately that its subnet manager is unavailable.
        }
    }

    /// <param name="own">Why this node is not a candidate; null while it is one, and with <c>--route-controller=never</c>.</param>
    internal static string Explain(NonCandidateList list, bool mayControl, string? own)
    {
        if (list.Count > 0)
            return $"none is elected; {list.Describe(NamedNodes)}{(mayControl ? "" : "; this node has --route-controller=never")}";
        if (!mayControl) return $"none is elected; {UnknownReason}";
        return own is null
            ? "none is elected; this node is a candidate"
            : $"none is elected; this node is not a candidate: {own}";
    }
}
