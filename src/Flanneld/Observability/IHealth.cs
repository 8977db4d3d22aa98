namespace Flanneld.Observability;

/// <summary>What the health paths report. Safe to call from any thread.</summary>
internal interface IHealth
{
    /// <summary>The loop that is stuck, one line; null while all make progress. Only a restart helps.</summary>
    string? Hung { get; }

    /// <summary>The checks of readiness, in order. The node is ready when all are true.</summary>
    IReadOnlyList<ReadinessCheck> Checks { get; }

    /// <summary>In Prometheus' text format 0.0.4, with a final LF.</summary>
    string Metrics();
}

/// <summary>One check of <c>/readyz</c>.</summary>
/// <param name="Detail">One line; empty without one.</param>
internal sealed record ReadinessCheck(string Name, bool Ok, string Detail);
