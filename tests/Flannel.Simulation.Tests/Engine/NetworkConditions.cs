namespace Flannel.Simulation.Tests.Engine;

/// <summary>How bad the way to etcd is, as probabilities for each request; and whether there is one at all.</summary>
internal sealed class NetworkConditions
{
    public double RequestLost { get; set; }

    /// <summary>Carried out, and nobody hears of it.</summary>
    public double ResponseLost { get; set; }

    /// <summary>Carried out long after the client has given it up.</summary>
    public double Delayed { get; set; }

    /// <summary>Sent to two members, as the connection does with what may be repeated.</summary>
    public double Duplicated { get; set; }

    public double Slow { get; set; }

    /// <summary>A watch that falls silent by itself.</summary>
    public double WatchSilent { get; set; }

    /// <summary>Nothing reaches the cloud's API.</summary>
    public bool CloudDown { get; set; }

    /// <summary>A call that does not reach the cloud.</summary>
    public double CloudLost { get; set; }

    /// <summary>A call that the cloud executes without an answer.</summary>
    public double CloudResponseLost { get; set; }

    /// <summary>A call that is refused because another one is being executed.</summary>
    public double CloudConflict { get; set; }

    /// <summary>The cluster does not answer anybody: stopped, or without a quorum.</summary>
    public bool ClusterDown { get; set; }

    public void Clear()
    {
        (RequestLost, ResponseLost, Delayed, Duplicated, Slow, WatchSilent) = (0, 0, 0, 0, 0, 0);
        (CloudDown, CloudLost, CloudResponseLost, CloudConflict) = (false, 0, 0, 0);
    }
}
