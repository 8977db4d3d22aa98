namespace Flannel.Simulation.Tests.Engine;

/// <summary>How bad the way to etcd is, as probabilities for each request; and whether there is one at all.</summary>
internal sealed class Weather
{
    public double Lost { get; set; }

    /// <summary>Carried out, and nobody hears of it.</summary>
    public double AnswerLost { get; set; }

    /// <summary>Carried out long after the client has given it up.</summary>
    public double Late { get; set; }

    /// <summary>Sent to two members, as the connection does with what may be repeated.</summary>
    public double Twice { get; set; }

    public double Slow { get; set; }

    /// <summary>A watch that falls silent by itself.</summary>
    public double Deaf { get; set; }

    /// <summary>Nothing reaches the cloud's API.</summary>
    public bool CloudDown { get; set; }

    /// <summary>A call that does not reach the cloud.</summary>
    public double CloudLost { get; set; }

    /// <summary>A call that the cloud executes without an answer.</summary>
    public double CloudAnswerLost { get; set; }

    /// <summary>A call that is refused because another one is being executed.</summary>
    public double CloudConflict { get; set; }

    /// <summary>The cluster does not answer anybody: stopped, or without a quorum.</summary>
    public bool ClusterDown { get; set; }

    public void Clear()
    {
        (Lost, AnswerLost, Late, Twice, Slow, Deaf) = (0, 0, 0, 0, 0, 0);
        (CloudDown, CloudLost, CloudAnswerLost, CloudConflict) = (false, 0, 0, 0);
    }
}
