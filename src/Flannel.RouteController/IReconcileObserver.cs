using Flannel.RouteController.Execution;

namespace Flannel.RouteController;

/// <summary>One pass of the reconciler of a VPC.</summary>
/// <param name="HasFailed">Whether a call failed that the whole VPC depends on.</param>
/// <param name="Writes">What this pass wrote.</param>
public sealed record ReconcilePass(TimeSpan Duration, bool HasFailed, WriteCounts Writes);

/// <summary>Receives the results of passes, for metrics. Thread-safe, and without waiting.</summary>
public interface IReconcileObserver
{
    void PassEnded(ReconcilePass pass);
}

/// <summary>Ignores everything.</summary>
internal sealed class NoReconcileObserver : IReconcileObserver
{
    public static readonly NoReconcileObserver Instance = new();

    private NoReconcileObserver()
    {
    }

    public void PassEnded(ReconcilePass pass)
    {
    }
}
