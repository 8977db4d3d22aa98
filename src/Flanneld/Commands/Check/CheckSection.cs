using Flannel.AliCloud.Http;
using Flannel.Core.Routes;

namespace Flanneld.Commands.Check;

/// <summary>The results of one part of the check. Thread-safe: a part that exceeded its time limit may still run.</summary>
internal sealed class CheckSection
{
    private readonly Lock gate = new();
    private readonly List<CheckResult> results = [];
    private readonly List<MissingRamAction> missingPermissions = [];
    private NonCandidateList nonCandidates = NonCandidateList.Empty;
    private bool isClosed;

    public IReadOnlyList<CheckResult> Results
    {
        get
        {
            lock (gate) return [.. results];
        }
    }

    public IReadOnlyList<MissingRamAction> MissingPermissions
    {
        get
        {
            lock (gate) return [.. missingPermissions];
        }
    }

    /// <summary>The nodes that are not candidates for route controller.</summary>
    public NonCandidateList NonCandidates
    {
        get
        {
            lock (gate) return nonCandidates;
        }
    }

    public void Add(CheckResult result) => IfOpen(() => results.Add(result));

    /// <summary>For a RAM policy that grants it.</summary>
    public void AddMissingPermission(MissingRamAction action) => IfOpen(() => missingPermissions.Add(action));

    public void SetNonCandidates(NonCandidateList list) => IfOpen(() => nonCandidates = list);

    /// <summary>Adds the last result. What the part still finds is not reported.</summary>
    public void Close(CheckResult last) => IfOpen(() =>
    {
        results.Add(last);
        isClosed = true;
    });

    /// <summary>Removes the results: they do not concern this node.</summary>
    public void Discard()
    {
        lock (gate)
        {
            results.Clear();
            missingPermissions.Clear();
            isClosed = true;
        }
    }

    private void IfOpen(Action change)
    {
        lock (gate)
        {
            if (!isClosed) change();
        }
    }
}
