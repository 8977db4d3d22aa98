namespace Flannel.RouteController.Execution;

/// <summary>The sizes of the batches of one VPC.</summary>
internal sealed class BatchSizes(TimeProvider time)
{
    public BatchSize Creations { get; } = new(time);

    public BatchSize Deletions { get; } = new(time);

    /// <summary>A gateway rejected a request of this size as too long, which holds for both kinds.</summary>
    public void TooLong(int sent)
    {
        Creations.TooLong(sent);
        Deletions.TooLong(sent);
    }
}
