using Flannel.AliCloud.Http;
using Flannel.Core.Addresses;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Which routes the next call creates: as many as the API accepts, fewer after a batch was rejected as a whole or got no response,
/// and one alone where a batch is not possible.</summary>
internal sealed class CreateBatches(BatchSize size, RouteFailures failures, TimeProvider time)
{
    /// <summary>After this many single calls in a row that succeed, batches may grow again.</summary>
    private const int SinglesBeforeGrowing = 3;

    /// <summary>How long no batch is tried after a denial: an operator may have granted the permission since.</summary>
    private static readonly TimeSpan DenialPause = TimeSpan.FromMinutes(10);

    private readonly HashSet<IpNetwork> oneTableOnly = [];
    private int singlesInARow;
    private long? deniedAt;

    public BatchSize Size => size;

    private bool IsDenied => deniedAt is { } at && time.GetElapsedTime(at) < DenialPause;

    /// <param name="open">Not empty.</param>
    public RouteWrite Next(IReadOnlyList<RouteAction.Create> open, Func<RouteAction.Create, bool> fitsBatch)
    {
        var batch = IsDenied || size.Current == 1 ? [] : Batch(open.Where(create => fitsBatch(create) && !IsSuspect(create)));
        return batch.Count > 0 ? new RouteWrite.CreateMany(batch)
            : new RouteWrite.CreateOne(open.FirstOrDefault(create => !IsSuspect(create)) ?? open[0]);
    }

    /// <summary>Nothing is left to create: the next routes start with full batches.</summary>
    public void Reset() => size.Reset();

    /// <summary>A batch of this size was rejected as a whole. One invalid route is enough for that: smaller batches isolate it, down to
    /// single calls.</summary>
    public void Rejected(int sent)
    {
        size.Rejected(sent);
        singlesInARow = 0;
    }

    /// <summary>The permission for batches is missing.</summary>
    /// <returns>True the first time.</returns>
    public bool Denied()
    {
        var isFirst = deniedAt is null;
        deniedAt = time.GetTimestamp();
        return isFirst;
    }

    /// <summary>A batch of this size got a response for each entry.</summary>
    public void Answered(int sent)
    {
        deniedAt = null;
        size.Answered(sent);
    }

    /// <summary>A response names a failed destination and no table: from now on a batch has this destination for one table only.</summary>
    public void Separate(IpNetwork destination) => oneTableOnly.Add(destination);

    public void SingleSucceeded()
    {
        if (++singlesInARow % SinglesBeforeGrowing == 0) size.Grow();
    }

    /// <summary>The invalid route of a batch is found: the others may be batched again.</summary>
    public void SingleFailed()
    {
        size.Reset();
        singlesInARow = 0;
    }

    private List<RouteAction.Create> Batch(IEnumerable<RouteAction.Create> open)
    {
        var batch = new List<RouteAction.Create>();
        var destinations = new HashSet<IpNetwork>();
        foreach (var create in open)
        {
            if (batch.Count == size.Current) break;
            // The API may reject IPv6 in one table and accept it in another.
            if (create.Destination.IsV6 && batch.Count > 0 && batch[0].RouteTableId != create.RouteTableId) continue;
            if (destinations.Add(create.Destination) || !oneTableOnly.Contains(create.Destination)) batch.Add(create);
        }

        return batch;
    }

    /// <summary>A route that failed by itself before would make a batch fail again.</summary>
    private bool IsSuspect(RouteAction.Create create) => failures.Of(create) is { Kind: not CloudErrorKind.Quota };
}
