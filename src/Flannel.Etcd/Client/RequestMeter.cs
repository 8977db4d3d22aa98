using Grpc.Core;

namespace Flannel.Etcd.Client;

/// <summary>Measures requests to members for an <see cref="IEtcdObserver"/>. Thread-safe.</summary>
internal sealed class RequestMeter(IEtcdObserver observer, TimeProvider time)
{
    private const string Succeeded = nameof(StatusCode.OK);

    /// <summary>A timestamp for the end of the request.</summary>
    public long Start() => time.GetTimestamp();

    public void Succeed(EtcdOperation operation, long started) => Report(operation, Succeeded, started);

    /// <param name="hasTimedOut">Whether the limit of the request has passed: gRPC then reports a cancellation.</param>
    public void Fail(EtcdOperation operation, Exception failure, bool hasTimedOut, long started) =>
        Report(operation, CodeOf(failure, hasTimedOut).ToString(), started);

    private static StatusCode CodeOf(Exception failure, bool hasTimedOut)
    {
        if (hasTimedOut) return StatusCode.DeadlineExceeded;
        // Without a response of the member, the code is that of the client library, such as Internal for a broken connection.
        return failure is RpcException { Status.DebugException: null } rpc ? rpc.StatusCode : StatusCode.Unavailable;
    }

    private void Report(EtcdOperation operation, string code, long started) =>
        observer.RequestEnded(operation, code, time.GetElapsedTime(started));
}
