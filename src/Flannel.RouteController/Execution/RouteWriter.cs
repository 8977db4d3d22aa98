namespace Flannel.RouteController.Execution;

/// <summary>Sends one call that writes. The API accepts one write at a time for each VPC.</summary>
internal sealed class RouteWriter(RouteCreator creator, RouteModifier modifier, RouteDeleter deleter, PendingWrites pending)
{
    /// <summary>Whether any route was changed in this term: the credentials may write.</summary>
    public bool HasSucceeded => pending.HasSucceeded;

    public async Task<WriteResult> WriteAsync(RouteWrite write, CancellationToken cancellation)
    {
        var result = await SendAsync(write, cancellation);
        pending.CountCall(result.HasFailed);
        return result;
    }

    private Task<WriteResult> SendAsync(RouteWrite write, CancellationToken cancellation) => write switch
    {
        RouteWrite.CreateMany many => creator.CreateAsync(many, cancellation),
        RouteWrite.CreateOne one => creator.CreateAsync(one, cancellation),
        RouteWrite.UpdateOne one => modifier.UpdateAsync(one, cancellation),
        RouteWrite.MarkOne one => modifier.MarkAsync(one, cancellation),
        RouteWrite.DeleteMany many => deleter.DeleteAsync(many, cancellation),
        _ => throw new InvalidOperationException($"unknown write: {write}"),
    };
}
