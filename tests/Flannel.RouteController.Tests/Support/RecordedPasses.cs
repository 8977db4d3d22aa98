using Flannel.RouteController.Execution;

namespace Flannel.RouteController.Tests.Support;

/// <summary>Counts the passes that a controller reports.</summary>
internal sealed class RecordedPasses : IReconcileObserver
{
    public int Successful { get; private set; }

    public int Failed { get; private set; }

    public WriteCounts Writes { get; private set; } = WriteCounts.None;

    public void PassEnded(ReconcilePass pass)
    {
        if (pass.HasFailed) Failed++;
        else Successful++;
        Writes += pass.Writes;
    }
}
