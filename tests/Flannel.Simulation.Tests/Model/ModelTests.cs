using Etcdserverpb;
using Flannel.Core.Leases;
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
        private readonly List<(WatchCursor Model, List<string> Heard, List<string> Expected, Task Listening)> watches = [];
        private readonly CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        private int number;

        public async Task RunAsync()
        {
            for (number = 0; number < Requests; number++) await OneAsync();
            await CompareEventsAsync();
            await stop.CancelAsync();
            foreach (var watch in watches) await watch.Listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stop.Dispose();
        }

        private Task OneAsync()
        {
            switch (random.Next(22))
            {
                case < 12:
                    var txn = requests.Txn(model.Revision);
                    return SameAsync(txn.ToString(),
                        async () => Text(await real.Connection.TxnAsync(txn, Cancel)), () => Text(model.Txn(txn)));
                case < 15:
                    var range = requests.RangeAt(model.Revision, model.CompactedAt);
                    return SameAsync(
                        range.ToString(), async () => Text(await real.Connection.RangeAsync(range, Cancel)),
                        () => Text(model.Range(range)));
                case 15 or 16:
                    var id = requests.Lease();
                    var life = TimeSpan.FromSeconds(500 + random.Next(50));
                    return SameAsync(
                        $"grant {id}",
                        async () => (await real.Connection.LeaseGrantAsync(id, life, Cancel)).TTL.ToString(provider: null),
                        () => model.Grant(id, life).TTL.ToString(provider: null));
                case 17:
                    var ended = requests.Lease();
                    return SameAsync(
                        $"revoke {ended}",
                        async () =>
                        {
                            await real.Connection.LeaseRevokeAsync(ended, Cancel);
                            return "";
                        },
                        () =>
                        {
                            model.Revoke(ended);
                            return "";
                        });
                case 18:
                    var kept = requests.Lease();
                    return SameAsync(
                        $"keep {kept}",
                        async () => $"{await real.Connection.LeaseKeepAliveOnceAsync(kept, Cancel)}",
                        () => $"{model.KeepAlive(kept)}");
                case 19 when random.Next(3) == 0:
                    return CompactAsync();
                case 20 when random.Next(3) == 0:
                    return FillAsync();
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

        private async Task FillAsync()
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
            var listening = Task.Run(
                async () =>
                {
                    try
                    {
                        await foreach (var answer in real.Connection.WatchAsync([range], stop.Token))
                        {
                            if (answer.Created) created.TrySetResult();
                            lock (received) received.AddRange(answer.Events.Select(Text));
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
            watches.Add((cursor, received, expected, listening));
        }

        private async Task CompareEventsAsync()
        {
            for (var i = 0; i < watches.Count; i++)
            {
                var (_, received, expected, _) = watches[i];
                Take(watches[i].Model, expected);
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
                expected.AddRange(cursor.Take().SelectMany(answer => answer.Events).Select(Text));
            }
            catch (EtcdException e)
            {
                expected.Add(e.Kind.ToString());
            }
        }

        private async Task SameAsync(string request, Func<Task<string>> askReal, Func<string> askModel)
        {
            string actual, expected;
            try
            {
                expected = await askReal();
            }
            catch (EtcdException e)
            {
                expected = e.Kind.ToString();
            }

            try
            {
                actual = askModel();
            }
            catch (EtcdException e)
            {
                actual = e.Kind.ToString();
            }

            foreach (var watch in watches) Take(watch.Model, watch.Expected);
            Assert.True(expected == actual, $"seed {seed}, request {number}: {request}\netcd:  {expected}\nmodel: {actual}");
        }

        /// <summary>The response without the ids of the member.</summary>
        private static string Text(TxnResponse answer)
        {
            var copy = answer.Clone();
            foreach (var op in copy.Responses)
            {
                if (op.ResponsePut is { } put) put.Header = null;
                if (op.ResponseDeleteRange is { } deleted) deleted.Header = null;
                if (op.ResponseRange is { } range) range.Header = null;
            }

            copy.Header = new ResponseHeader { Revision = answer.Header.Revision };
            return copy.ToString();
        }

        private static string Text(RangeResponse answer)
        {
            var copy = answer.Clone();
            copy.Header = new ResponseHeader { Revision = answer.Header.Revision };
            return copy.ToString();
        }

        private static string Text(Event change) => change.ToString();
    }
}
