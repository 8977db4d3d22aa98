using System.Collections.Concurrent;
using Etcdserverpb;
using Flannel.Etcd.Client;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>Records requests, and fails them before they are sent or after they were executed, as a test demands.</summary>
public sealed class InstrumentedEtcd(IEtcd inner) : IEtcd
{
    private readonly ConcurrentQueue<string> requests = [];
    private long bytes;

    /// <summary>In order: Range, Txn, LeaseGrant, LeaseKeepAlive, LeaseRevoke, Watch.</summary>
    public IReadOnlyList<string> Requests => [.. requests];

    /// <summary>The size of all responses.</summary>
    public long BytesRead => Interlocked.Read(ref bytes);

    /// <summary>Called with the name of a request before it is sent. Returns the failure, or null.</summary>
    public Func<string, EtcdException?> FailBefore { get; set; } = _ => null;

    /// <summary>Called with each transaction before it is sent. Returns the failure, or null.</summary>
    public Func<TxnRequest, EtcdException?> FailTxn { get; set; } = _ => null;

    /// <summary>Called with the name of a request after it was executed. With a failure its response is lost.</summary>
    public Func<string, EtcdException?> FailAfter { get; set; } = _ => null;

    /// <summary>Called with each range request after its response was received.</summary>
    public Action<RangeRequest> RangeAnswered { get; set; } = _ => { };

    /// <summary>Runs before a request is sent.</summary>
    public Func<string, Task> Before { get; set; } = _ => Task.CompletedTask;

    public void ClearRequests()
    {
        requests.Clear();
        bytes = 0;
    }

    /// <summary>Fails all requests from now on.</summary>
    /// <param name="breaksWatches">Open watches fail, too, with their next response.</param>
    public void CutOff(bool breaksWatches = false)
    {
        FailBefore = _ => new EtcdException(EtcdErrorKind.Unavailable, "cut off", mayHaveHappened: false);
        if (breaksWatches) BreakWatches();
    }

    /// <summary>Open watches fail with their next response.</summary>
    public void BreakWatches() =>
        FailAfter = name => name == "Watch" ? new EtcdException(EtcdErrorKind.Unavailable, "broken", mayHaveHappened: false) : null;

    /// <summary>Ends all failures.</summary>
    public void Reconnect() => FailBefore = FailAfter = _ => null;

    /// <summary>Runs an action before the first request with this name.</summary>
    public void RunBeforeFirst(string name, Func<Task> action)
    {
        var count = 0;
        Before = request => request == name && Interlocked.Increment(ref count) == 1 ? action() : Task.CompletedTask;
    }

    /// <summary>Loses one response after the request was executed.</summary>
    /// <param name="number">1 for the first request with this name.</param>
    public void LoseResponse(string name, int number = 1)
    {
        var count = 0;
        FailAfter = request => request == name && Interlocked.Increment(ref count) == number
            ? new EtcdException(EtcdErrorKind.TimedOut, "lost", mayHaveHappened: true)
            : null;
    }

    public async Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation)
    {
        var response = await RunAsync("Range", () => inner.RangeAsync(request, cancellation));
        RangeAnswered(request);
        return response;
    }

    public Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation) =>
        RunAsync("Txn", () => FailTxn(request) is { } error ? throw error : inner.TxnAsync(request, cancellation));

    public Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation) =>
        RunAsync("LeaseGrant", () => inner.LeaseGrantAsync(leaseId, timeToLive, cancellation));

    public Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation) =>
        RunAsync("LeaseKeepAlive", () => inner.LeaseKeepAliveOnceAsync(leaseId, cancellation));

    public Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, TimeSpan callLimit, CancellationToken cancellation) =>
        RunAsync("LeaseKeepAlive", () => inner.LeaseKeepAliveOnceAsync(leaseId, callLimit, cancellation));

    public Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation) =>
        RunAsync("LeaseRevoke", async () =>
        {
            await inner.LeaseRevokeAsync(leaseId, cancellation);
            return 0;
        });

    public async IAsyncEnumerable<WatchResponse> WatchAsync(
        IReadOnlyList<WatchCreateRequest> ranges, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        requests.Enqueue("Watch");
        await Before("Watch");
        if (FailBefore("Watch") is { } error) throw error;
        await foreach (var response in inner.WatchAsync(ranges, cancellation))
        {
            if (FailAfter("Watch") is { } broken) throw broken;
            yield return response;
        }
    }

    private async Task<T> RunAsync<T>(string name, Func<Task<T>> run)
    {
        requests.Enqueue(name);
        await Before(name);
        if (FailBefore(name) is { } error) throw error;
        var response = await run();
        if (response is Google.Protobuf.IMessage message) Interlocked.Add(ref bytes, message.CalculateSize());
        if (FailAfter(name) is { } lost) throw lost;
        return response;
    }
}
