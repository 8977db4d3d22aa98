using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>When the next entry without a mark, one of flannel v0.19.2, may be marked. The routes work without it, so that failures of
/// first marks delay only the next ones.</summary>
internal sealed class FirstMarkLimiter(VpcContext context)
{
    /// <summary>At most this many entries are marked within <see cref="Interval"/>. It limits the calls to the API: after the move of 200
    /// nodes, the marks take 40 minutes.</summary>
    private const int CallsPerInterval = 5;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    /// <summary>When first marks were sent within <see cref="Interval"/>, the oldest first.</summary>
    private readonly Queue<long> calls = [];

    private readonly Backoff backoff = new(Interval * 2, LongestPause, context.Random);
    private long resumesAt;

    /// <summary>Whether the entry has no mark of any cluster.</summary>
    public static bool IsFirstMark(RouteAction.Mark route) => OwnershipMark.TokenOf(route.Entry) is null;

    public bool MayMark()
    {
        if (resumesAt > context.Time.GetTimestamp()) return false;
        while (calls.TryPeek(out var oldest) && context.Time.GetElapsedTime(oldest) >= Interval) calls.Dequeue();
        return calls.Count < CallsPerInterval;
    }

    public void Starting() => calls.Enqueue(context.Time.GetTimestamp());

    public void Succeeded() => backoff.Reset();

    /// <summary>The next entry would fail as well: the call is denied, throttled or without a response, or the VPC is busy.</summary>
    public void Failed(CloudError error) => resumesAt =
        context.Time.TimestampAfter(error.Kind == CloudErrorKind.Denied ? LongestPause : backoff.Next(error.RetryAfter));
}
