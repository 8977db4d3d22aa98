using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Observation;

/// <summary>Keeps what is known of a VPC's tables as new as it is asked for, and bears the failures of reading.</summary>
internal sealed class VpcReader(VpcId vpc, VpcTables tables, VpcEntries entries, VpcBackoff troubles, TimeProvider time, Random random, ILogger log)
{
    /// <summary>How soon a vSwitch that gave no answer is asked for again.</summary>
    public static readonly TimeSpan QuestionPause = TimeSpan.FromSeconds(2);

    private readonly Backoff listingPauses = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30), random);
    private bool othersDue = true;
    private long askedAt;

    /// <summary>No call that reads before this.</summary>
    public long NotBefore { get; private set; }

    /// <summary>No listing of the tables before this, as long as those that are known will do.</summary>
    public long ListNotBefore { get; private set; }

    /// <summary>Whether the last look brought anything new.</summary>
    public bool HasRead { get; private set; }

    /// <summary>Everything that a resync reads anew.</summary>
    /// <param name="slowly">Also what changes seldom.</param>
    public void Resync(bool slowly)
    {
        tables.Invalidate();
        entries.Invalidate(tables.Serving);
        if (!slowly) return;
        othersDue = true;
        entries.Invalidate(tables.Others);
    }

    public async Task ReadAsync(DesiredVpcState view, CancellationToken cancellation)
    {
        HasRead = false;
        if (tables.HasOpenQuestions && time.GetElapsedTime(askedAt) >= QuestionPause) tables.ForgetOpenQuestions();
        if (NotBefore > time.GetTimestamp()) return;
        var listing = !tables.Covers(view) && !(tables.Knows(view) && ListNotBefore > time.GetTimestamp());
        var listed = false;
        if (listing)
        {
            askedAt = time.GetTimestamp();
            var error = await tables.RefreshAsync(view, cancellation);
            listed = error is null;
            if (error is not null && !tables.Knows(view))
            {
                Fail(error);
                return;
            }

            if (error is null) listingPauses.Reset();
            else PostponeListing(error);
        }

        // The tables that serve no node are read when it is their turn, and again when something was found to do in them.
        entries.Follow(tables.Serving.Concat(tables.Others.Where(id => othersDue || entries.Of(id) is not null)));
        othersDue = false;
        var (count, errors) = await entries.ReadAsync(cancellation);
        HasRead = count > 0;
        foreach (var (tableId, error) in errors) Note(tableId, error);
        var failing = tables.Serving.Where(id => entries.ErrorOf(id) is not null).ToList();
        var failed = errors.FirstOrDefault(error => failing.Contains(error.TableId));
        if (failed is not null && failing.Count == tables.Serving.Count) Fail(failed.Error);
        else if ((listed || count > 0) && failing.Count == 0 && tables.Serving.Count > 0) troubles.Recover(vpc, log);
    }

    /// <summary>The tables that are known from before will do.</summary>
    private void PostponeListing(CloudError error)
    {
        var pause = listingPauses.Next(error);
        ListNotBefore = time.GetTimestamp() + (long)(pause.TotalSeconds * time.TimestampFrequency);
        VpcBackoff.Tell(vpc, error, pause, log);
    }

    /// <summary>A call that read has failed in a way that concerns all; the pause before the next.</summary>
    public TimeSpan Fail(CloudError error)
    {
        var pause = troubles.Fail(error);
        NotBefore = time.GetTimestamp() + (long)(pause.TotalSeconds * time.TimestampFrequency);
        VpcBackoff.Tell(vpc, error, pause, log);
        return pause;
    }

    private void Note(string tableId, CloudError error)
    {
        var isServing = tables.Serving.Contains(tableId);
        if (isServing || error.Kind == CloudErrorKind.Fatal)
        {
            RouteControllerLog.TableUnreadable(log, vpc, tableId, error.Code, error.Message, error.RequestNote);
        }

        if (isServing)
        {
            // Perhaps its vSwitches have another table now: the next listing tells. Until then the table stays, so that its nodes are not
            // reported as available.
            if (error.Kind == CloudErrorKind.Fatal) tables.Invalidate();
            return;
        }

        // Not a table that can be read as one, or one that the role need not know: no more of it until the next listing.
        if (error.Kind is CloudErrorKind.Fatal or CloudErrorKind.Denied) tables.Drop(tableId);
    }
}
