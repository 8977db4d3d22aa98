using Flannel.AliCloud.Http;
using Flannel.Core.Addresses;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Which routes go into the next call that creates: as many as the API takes, fewer after a batch was refused as a whole or got no
/// answer, one alone where a batch cannot.</summary>
internal sealed class CreateBatches(RouteFailures troubles, TimeProvider time)
{
    /// <summary>So many single calls that succeed in a row speak for batches again.</summary>
    private const int EnoughGoodSingles = 3;

    /// <summary>A right that was missing may have been given meanwhile.</summary>
    private static readonly TimeSpan DeniedPause = TimeSpan.FromMinutes(10);

    private readonly HashSet<Ipv4Network> apart = [];
    private int goodSingles;
    private long? deniedAt;

    public BatchSize Size { get; } = new(time);

    private bool IsDenied => deniedAt is { } at && time.GetElapsedTime(at) < DeniedPause;

    /// <param name="open">Not empty.</param>
    public RouteWrite Next(IReadOnlyList<RouteAction.Create> open, Func<RouteAction.Create, bool> fitsBatch)
    {
        var batch = IsDenied || Size.Current == 1 ? [] : Together(open.Where(create => fitsBatch(create) && !IsSuspect(create)));
        return batch.Count > 0 ? new RouteWrite.CreateMany(batch)
            : new RouteWrite.CreateOne(open.FirstOrDefault(create => !IsSuspect(create)) ?? open[0]);
    }

    /// <summary>Nothing is left to create: what comes next is judged without prejudice.</summary>
    public void Rest() => Size.Reset();

    /// <summary>One bad route spoils the batch: smaller ones tell the bad from the good, down to single calls.</summary>
    public void Refused(int tried)
    {
        Size.Refused(tried);
        goodSingles = 0;
    }

    /// <summary>The role may not write batches. True the first time.</summary>
    public bool Denied()
    {
        var isNews = deniedAt is null;
        deniedAt = time.GetTimestamp();
        return isNews;
    }

    /// <summary>A batch of so many was answered.</summary>
    public void Done(int sent)
    {
        deniedAt = null;
        Size.Answered(sent);
    }

    /// <summary>The answer names a destination and no table: from now on a call has this destination for one table only.</summary>
    public void KeepApart(Ipv4Network destination) => apart.Add(destination);

    public void SingleDone()
    {
        if (++goodSingles % EnoughGoodSingles == 0) Size.Grow();
    }

    /// <summary>The bad one of a batch is found: the others need no suspicion.</summary>
    public void SingleFailed()
    {
        Size.Reset();
        goodSingles = 0;
    }

    private List<RouteAction.Create> Together(IEnumerable<RouteAction.Create> open)
    {
        var batch = new List<RouteAction.Create>();
        var destinations = new HashSet<Ipv4Network>();
        foreach (var create in open)
        {
            if (batch.Count == Size.Current) break;
            if (destinations.Add(create.Destination) || !apart.Contains(create.Destination)) batch.Add(create);
        }

        return batch;
    }

    /// <summary>What failed by itself before would spoil a batch again.</summary>
    private bool IsSuspect(RouteAction.Create create) => troubles.Of(create) is { Kind: not CloudErrorKind.Quota };
}
