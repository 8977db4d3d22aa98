namespace Flannel.Kubernetes.Registry;

/// <summary>Resource versions of the Nodes that the route controller of this process has read. The next route controller lists the Nodes at
/// one of them, and so sees which were deleted while none was elected. Thread-safe.</summary>
/// <remarks>It is a version of some minutes ago: the route of a deleted Node is deleted a minute later, and the route controller may end
/// meanwhile. API servers keep versions in etcd for five minutes at least (<c>--etcd-compaction-interval</c>).</remarks>
internal sealed class VersionHistory(TimeProvider time)
{
    private static readonly TimeSpan Age = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan SampleInterval = TimeSpan.FromSeconds(15);

    private readonly Lock gate = new();
    private readonly List<Sample> samples = [];
    private string? former;

    /// <summary>That of the route controller before this one; null if it has left none.</summary>
    public string? Former
    {
        get
        {
            lock (gate) return former;
        }
    }

    /// <summary>For the next route controller; null before the first list.</summary>
    public string? ForNext
    {
        get
        {
            lock (gate)
            {
                RemoveOld();
                return samples.Count > 0 ? samples[0].Version : null;
            }
        }
    }

    private sealed record Sample(string Version, long At);

    /// <summary>A term begins.</summary>
    /// <param name="formerVersion">As the route controller before it has left it; null if it has left none.</param>
    public void Begin(string? formerVersion)
    {
        lock (gate)
        {
            former = formerVersion;
            samples.Clear();
            // A term that ends soon leaves it to the next one.
            if (formerVersion is not null) samples.Add(new Sample(formerVersion, time.GetTimestamp()));
        }
    }

    /// <summary>The Nodes were read up to this version.</summary>
    public void Add(string version)
    {
        lock (gate)
        {
            if (samples.Count > 1 && time.GetElapsedTime(samples[^1].At) < SampleInterval) return;
            samples.Add(new Sample(version, time.GetTimestamp()));
            RemoveOld();
        }
    }

    /// <summary>Keeps one that is old enough.</summary>
    private void RemoveOld()
    {
        while (samples.Count > 1 && time.GetElapsedTime(samples[1].At) >= Age) samples.RemoveAt(0);
    }
}
