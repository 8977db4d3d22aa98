using CsCheck;

namespace Flannel.Core.Tests;

public sealed class BackoffTests
{
    [Theory]
    [InlineData(0.0, new[] { 50, 100, 200, 400, 500, 500 })]
    [InlineData(0.5, new[] { 75, 150, 300, 600, 750, 750 })]
    [InlineData(0.999999, new[] { 100, 200, 400, 800, 1000, 1000 })]
    public void Pauses_double_up_to_the_longest_and_are_between_half_of_the_bound_and_the_bound(double chance, int[] milliseconds)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1), new Fixed(chance));
        Assert.Equal(milliseconds, milliseconds.Select(_ => (int)Math.Round(backoff.Next().TotalMilliseconds)));
        Assert.Equal(milliseconds.Length, backoff.Failures);
    }

    [Fact]
    public void A_reset_starts_with_the_first_pause()
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1), new Fixed(0));
        for (var i = 0; i < 5; i++) backoff.Next();
        backoff.Reset();
        Assert.Equal(0, backoff.Failures);
        Assert.Equal(TimeSpan.FromMilliseconds(50), backoff.Next());
    }

    [Theory]
    [InlineData(0.0, 7_000)]
    [InlineData(0.5, 7_250)]
    public void A_longer_time_that_the_server_asks_for_replaces_the_pause_and_counts_as_a_failure(double chance, int milliseconds)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1), new Fixed(chance));
        Assert.Equal(milliseconds, backoff.Next(TimeSpan.FromSeconds(7)).TotalMilliseconds);
        Assert.Equal(1, backoff.Failures);
        Assert.Equal(TimeSpan.FromMilliseconds(200 * (0.5 + chance / 2)), backoff.Next());
    }

    /// <summary>A server that asks for milliseconds again and again must not make its clients spin.</summary>
    [Fact]
    public void A_shorter_time_that_the_server_asks_for_does_not_shorten_the_pause()
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1), new Fixed(0));
        for (var i = 0; i < 10; i++) backoff.Next(TimeSpan.FromMilliseconds(1));
        Assert.Equal(TimeSpan.FromSeconds(30), backoff.Next(TimeSpan.FromMilliseconds(1)));
    }

    [Fact]
    public void Every_pause_is_within_its_bounds() =>
        Gen.Select(Gen.Int[1, 100_000], Gen.Int[0, 10_000_000], Gen.Int[0, 2_000], Gen.Int).Always(sample =>
        {
            var (first, more, failures, seed) = sample;
            var longest = TimeSpan.FromMilliseconds(first + more);
            var backoff = new Backoff(TimeSpan.FromMilliseconds(first), longest, new Random(seed));
            for (var i = 0; i < failures; i++) backoff.Next();
            var bound = Math.Min(first * Math.Pow(2, failures), longest.TotalMilliseconds);
            Assert.InRange(backoff.Next().TotalMilliseconds, bound / 2 - 0.001, bound + 0.001);
        }, times: 500);

    [Fact]
    public void Two_nodes_that_failed_at_the_same_time_do_not_retry_at_the_same_time()
    {
        var (one, other) = (With(1), With(2));
        Assert.All(Enumerable.Range(0, 10), _ => Assert.NotEqual(one.Next(), other.Next()));

        static Backoff With(int seed) => new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1), new Random(seed));
    }

    [Fact]
    public void A_longest_without_end_does_not_overflow()
    {
        var backoff = new Backoff(TimeSpan.FromDays(1), TimeSpan.MaxValue, new Fixed(0.999999));
        for (var i = 0; i < 100; i++) Assert.True(backoff.Next() > TimeSpan.Zero);
    }

    private sealed class Fixed(double value) : Random
    {
        public override double NextDouble() => value;
    }
}
