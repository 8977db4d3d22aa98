using System.Reflection;
using Flanneld.Host;

namespace Flanneld.Tests.Host;

public sealed class SharedRandomTests
{
    private const BindingFlags Instance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    [Fact]
    public void Every_virtual_draw_is_overridden()
    {
        var overridden = typeof(SharedRandom).GetMethods(Instance).Select(method => method.GetBaseDefinition()).ToList();
        var draws = typeof(Random).GetMethods(Instance).Where(method => method is { IsVirtual: true, IsFinal: false }
            && (method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly)).ToList();
        Assert.InRange(draws.Count, 10, 100);
        Assert.Empty(draws.Except(overridden).Select(method => method.ToString()));
    }

    [Fact]
    public async Task Only_one_thread_draws_at_a_time()
    {
        var sample = typeof(SharedRandom).GetMethod("Sample", Instance)!;
        Dictionary<string, Action<SharedRandom>> draws = new()
        {
            ["Next()"] = random => random.Next(),
            ["Next(max)"] = random => random.Next(9),
            ["Next(min, max)"] = random => random.Next(1, 9),
            ["NextInt64()"] = random => random.NextInt64(),
            ["NextInt64(max)"] = random => random.NextInt64(9),
            ["NextInt64(min, max)"] = random => random.NextInt64(1, 9),
            ["NextSingle()"] = random => random.NextSingle(),
            ["NextDouble()"] = random => random.NextDouble(),
            ["NextBytes(array)"] = random => random.NextBytes(new byte[3]),
            ["NextBytes(span)"] = random => random.NextBytes(stackalloc byte[3]),
            ["Sample()"] = random => sample.Invoke(random, null),
        };
        foreach (var (name, draw) in draws)
        {
            var probe = new ProbedRandom();
            var random = new SharedRandom(probe);
            await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Factory.StartNew(() =>
            {
                for (var i = 0; i < 5; i++) draw(random);
            }, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
            Assert.Equal((name, 15, 0), (name, probe.Draws, probe.Overlaps));
        }
    }

    [Fact]
    public void Draws_are_in_their_ranges()
    {
        var random = new SharedRandom();
        for (var i = 0; i < 1000; i++)
        {
            Assert.InRange(random.Next(7), 0, 6);
            Assert.InRange(random.Next(5, 7), 5, 6);
            Assert.InRange(random.NextInt64(1L << 40), 0, (1L << 40) - 1);
            Assert.InRange(random.NextInt64(1L << 40, (1L << 40) + 2), 1L << 40, (1L << 40) + 1);
            Assert.InRange(random.NextDouble(), 0, 0.999_999_999_999_999_9);
            Assert.InRange(random.NextSingle(), 0, 0.999_999_99f);
        }
    }

    /// <summary>Counts draws, and those that begin during another one.</summary>
    private sealed class ProbedRandom : Random
    {
        private int draws;
        private int overlaps;
        private int underWay;

        public int Draws => draws;

        public int Overlaps => overlaps;

        public override int Next() => Probe(1);

        public override int Next(int maxValue) => Probe(1);

        public override int Next(int minValue, int maxValue) => Probe(1);

        public override long NextInt64() => Probe(1);

        public override long NextInt64(long maxValue) => Probe(1);

        public override long NextInt64(long minValue, long maxValue) => Probe(1);

        public override float NextSingle() => Probe(0);

        public override double NextDouble() => Probe(0);

        public override void NextBytes(byte[] buffer) => Probe(0);

        public override void NextBytes(Span<byte> buffer) => Probe(0);

        private int Probe(int number)
        {
            Interlocked.Increment(ref draws);
            if (Interlocked.Increment(ref underWay) > 1) Interlocked.Increment(ref overlaps);
            Thread.Sleep(1);
            Interlocked.Decrement(ref underWay);
            return number;
        }
    }
}
