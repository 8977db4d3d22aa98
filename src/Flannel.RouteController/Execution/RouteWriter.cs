using Flannel.AliCloud.Http;
using Flannel.RouteController.Infrastructure;

namespace Flannel.RouteController.Execution;

/// <summary>Sends one call that writes. The API accepts one write at a time for each VPC.</summary>
/// <param name="limit">How long the call may take; null for the time limit of the API's client.</param>
internal sealed class RouteWriter(
    VpcContext context, RouteCreator creator, RouteModifier modifier, RouteDeleter deleter, PendingWrites pending, TimeSpan? limit)
{
    /// <summary>Whether any route was changed in this term: the credentials may write.</summary>
    public bool HasSucceeded => pending.HasSucceeded;

    public async Task<WriteResult> WriteAsync(RouteWrite write, CancellationToken cancellation)
    {
        var result = limit is { } longest
            ? await SendAsync(write, longest, cancellation)
            : await SendAsync(write, cancellation);
        pending.CountCall(result.HasFailed);
        return result;
    }

    /// <summary>After the limit the call may still be executed: the next read shows it.</summary>
    private async Task<WriteResult> SendAsync(RouteWrite write, TimeSpan longest, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(longest, context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            return await SendAsync(write, either.Token);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            foreach (var action in write.Actions) pending.AddUnanswered(action);
            return new WriteResult(HasFailed: true, new CloudError(
                CloudErrorKind.Reread, CloudErrorCodes.Timeout, $"no response within {longest.TotalSeconds} s", "", 0, null, null));
        }
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
