using System.Collections.Concurrent;
using Etcdserverpb;
using Flannel.Etcd.Client;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>Counts requests, and lets a test fail them before they are sent or after they were carried out.</summary>
public sealed class WatchedEtcd(IEtcd inner) : IEtcd
{
    private readonly ConcurrentQueue<string> requests = [];
    private long bytes;

    /// <summary>In order: Range, Txn, LeaseGrant, LeaseKeepAlive, LeaseRevoke, Watch.</summary>
    public IReadOnlyList<string> Requests => [.. requests];

    /// <summary>What the answers of all reads together held.</summary>
    public long BytesRead => Interlocked.Read(ref bytes);

    /// <summary>Asked with the request's name before it is sent.</summary>
    public Func<string, EtcdException?> FailBefore { get; set; } = _ => null;

    /// <summary>Asked with each transaction before it is sent.</summary>
    public Func<TxnRequest, EtcdException?> FailTxn { get; set; } = _ => null;

    /// <summary>Asked after it was carried out: the answer is lost.</summary>
    public Func<string, EtcdException?> FailAfter { get; set; } = _ => null;

    /// <summary>Runs before a request is sent.</summary>
    public Func<string, Task> Before { get; set; } = _ => Task.CompletedTask;

    public void Forget()
    {
        requests.Clear();
        bytes = 0;
    }

    public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) =>
        RunAsync("Range", () => inner.RangeAsync(request, cancellation));

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
        await foreach (var answer in inner.WatchAsync(ranges, cancellation))
        {
            if (FailAfter("Watch") is { } broken) throw broken;
            yield return answer;
        }
    }

    private async Task<T> RunAsync<T>(string name, Func<Task<T>> run)
    {
        requests.Enqueue(name);
        await Before(name);
        if (FailBefore(name) is { } error) throw error;
        var answer = await run();
        if (answer is Google.Protobuf.IMessage message) Interlocked.Add(ref bytes, message.CalculateSize());
        if (FailAfter(name) is { } lost) throw lost;
        return answer;
    }
}
