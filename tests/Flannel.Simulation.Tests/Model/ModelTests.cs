using Etcdserverpb;
using Flannel.Etcd.Client;
using Flannel.Etcd.Model;
using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;
using Mvccpb;

namespace Flannel.Simulation.Tests.Model;

/// <summary>The model and a real etcd get the same requests and must return the same responses and watch events. The expiry of leases is
/// tested in the unit tests of <c>Flannel.Etcd</c>; a revocation has the same effect on keys.</summary>
public sealed class ModelTests
{
    private const int Requests = 400;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_model_responds_like_etcd()
    {
        await using var real = await RealEtcd.StartAsync();
        var model = new EtcdStore(new FakeTimeProvider());
        for (var seed = 1; seed <= 4; seed++) await new Comparison(real, model, seed).RunAsync();
    }

    private sealed class Comparison(RealEtcd real, EtcdStore model, int seed)
    {
        // Later seeds have prefixes that sort earlier, so that an open-ended range of a seed reaches no key of a later one.
        private readonly RandomRequests requests = new(new Random(seed), $"/{(char)('z' - seed)}/", seed * 100);
        private readonly Random random = new(seed + 1000);
        private readonly List<ComparedWatch> watches = [];
        private readonly CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        private int number;

        /// <param name="Model">The watch of the model.</param>
        /// <param name="Received">The events of etcd. Guarded by a lock of itself.</param>
        /// <param name="Expected">The events of the model.</param>
        /// <param name="Receiving">Reads the events of etcd.</param>
        private sealed record ComparedWatch(WatchCursor Model, List<string> Received, List<string> Expected, Task Receiving);

        public async Task RunAsync()
        {
            for (number = 0; number < Requests; number++) await SendRandomAsync();
            await CompareEventsAsync();
            await stop.CancelAsync();
            foreach (var watch in watches) await watch.Receiving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stop.Dispose();
        }

        private Task SendRandomAsync()
        {
            switch (random.Next(22))
            {
                case < 12:
                    var txn = requests.Txn(model.Revision);
                    return CompareAsync(txn.ToString(),
                        async () => Text(await real.Connection.TxnAsync(txn, Cancel)), () => Text(model.Txn(txn)));
                case < 15:
                    var range = requests.RangeAt(model.Revision, model.CompactedAt);
                    return CompareAsync(
                        range.ToString(), async () => Text(await real.Connection.RangeAsync(range, Cancel)),
                        () => Text(model.Range(range)));
                case 15 or 16:
                    var id = requests.Lease();
                    var timeToLive = TimeSpan.FromSeconds(500 + random.Next(50));
                    return CompareAsync(
                        $"grant {id}",
                        async () => (await real.Connection.LeaseGrantAsync(id, timeToLive, Cancel)).TTL.ToString(provider: null),
                        () => model.Grant(id, timeToLive).TTL.ToString(provider: null));
                case 17:
                    var revoked = requests.Lease();
                    return CompareAsync(
                        $"revoke {revoked}", () => real.Connection.LeaseRevokeAsync(revoked, Cancel), () => model.Revoke(revoked));
                case 18:
                    var kept = requests.Lease();
                    return CompareAsync(
                        $"keep {kept}",
                        async () => $"{await real.Connection.LeaseKeepAliveOnceAsync(kept, Cancel)}",
                        () => $"{model.KeepAlive(kept)}");
                case 19 when random.Next(3) == 0:
                    return CompactAsync();
                case 20 when random.Next(3) == 0:
                    return ToggleNoSpaceAsync();
                default:
                    return WatchAsync();
            }
        }

        private async Task CompactAsync()
        {
            if (model.CompactedAt >= model.Revision) return;
            var revision = random.NextInt64(model.CompactedAt + 1, model.Revision + 1);
            await real.WaitUntilWatchesAreSynchronizedAsync();
            await real.CompactAsync(revision);
            model.Compact(revision);
        }

        private async Task ToggleNoSpaceAsync()
        {
            model.NoSpace = !model.NoSpace;
            await real.NoSpaceAsync(model.NoSpace);
        }

        /// <summary>Watches from a past, the current or a future revision.</summary>
        private async Task WatchAsync()
        {
            if (watches.Count >= 12) return;
            var (key, end) = requests.Range();
            // etcd refuses a range whose end is before its start.
            if (end is not ([] or [0]) && key.Span.SequenceCompareTo(end.Span) >= 0) end = ByteString.Empty;
            var from = random.Next(3) == 0 ? 0 : random.NextInt64(Math.Max(1, model.CompactedAt - 2), model.Revision + 5);
            var range = new WatchCreateRequest { Key = key, RangeEnd = end, StartRevision = from };
            var cursor = model.Watch([range]);
            var (received, expected) = (new List<string>(), new List<string>());
            var created = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var receiving = Task.Run(
                async () =>
                {
                    try
                    {
                        await foreach (var response in real.Connection.WatchAsync([range], stop.Token))
                        {
                            if (response.Created) created.TrySetResult();
                            lock (received) received.AddRange(response.Events.Select(Text));
                        }
                    }
                    catch (EtcdException e)
                    {
                        lock (received) received.Add(e.Kind.ToString());
                        created.TrySetResult();
                    }
                },
                Cancel);
            await created.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
            Take(cursor, expected);
            watches.Add(new ComparedWatch(cursor, received, expected, receiving));
        }

        private async Task CompareEventsAsync()
        {
            for (var i = 0; i < watches.Count; i++)
            {
                var (cursor, received, expected, _) = watches[i];
                Take(cursor, expected);
                var clock = System.Diagnostics.Stopwatch.StartNew();
                while (Count(received) < expected.Count && clock.Elapsed < TimeSpan.FromSeconds(30)) await Task.Delay(5, Cancel);
                // Waits for a possible surplus event.
                if (i == 0) await Task.Delay(50, Cancel);
                lock (received) Assert.Equal(expected, received);
            }
        }

        private static int Count(List<string> received)
        {
            lock (received) return received.Count;
        }

        private static void Take(WatchCursor cursor, List<string> expected)
        {
            if (expected is [.., nameof(EtcdErrorKind.Compacted)]) return;
            try
            {
                expected.AddRange(cursor.Take().SelectMany(response => response.Events).Select(Text));
            }
            catch (EtcdException e)
            {
                expected.Add(e.Kind.ToString());
            }
        }

        /// <summary>Compares requests without a response.</summary>
        private Task CompareAsync(string request, Func<Task> callReal, Action callModel) => CompareAsync(
            request,
            async () =>
            {
                await callReal();
                return "";
            },
            () =>
            {
                callModel();
                return "";
            });

        private async Task CompareAsync(string request, Func<Task<string>> callReal, Func<string> callModel)
        {
            string actual, expected;
            try
            {
                expected = await callReal();
            }
            catch (EtcdException e)
            {
                expected = e.Kind.ToString();
            }

            try
            {
                actual = callModel();
            }
            catch (EtcdException e)
            {
                actual = e.Kind.ToString();
            }

            foreach (var watch in watches) Take(watch.Model, watch.Expected);
            Assert.True(expected == actual, $"seed {seed}, request {number}: {request}\netcd:  {expected}\nmodel: {actual}");
        }

        /// <summary>The response without the ids of the member.</summary>
        private static string Text(TxnResponse response)
        {
            var copy = response.Clone();
            foreach (var op in copy.Responses)
            {
                if (op.ResponsePut is { } put) put.Header = null;
                if (op.ResponseDeleteRange is { } deleted) deleted.Header = null;
                if (op.ResponseRange is { } range) range.Header = null;
            }

            copy.Header = new ResponseHeader { Revision = response.Header.Revision };
            return copy.ToString();
        }

        private static string Text(RangeResponse response)
        {
            var copy = response.Clone();
            copy.Header = new ResponseHeader { Revision = response.Header.Revision };
            return copy.ToString();
        }

        private static string Text(Event change) => change.ToString();
    }
}
