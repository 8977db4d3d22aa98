using Flannel.AliCloud.Http;
using Flannel.RouteController.Execution;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.RouteController.Tests.Execution;

public sealed class BatchSizeTests
{
    private readonly FakeTimeProvider time = new();

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(10)]
    [InlineData(20)]
    [InlineData(49)]
    public void The_size_converges_to_the_largest_one_that_is_answered(int limit)
    {
        var size = new BatchSize(time);
        var failures = 0;
        for (var i = 0; i < 60; i++) failures += Send(size, limit) ? 0 : 1;
        Assert.Equal(limit, size.Current);
        Assert.InRange(failures, 2, 20);
        for (var i = 0; i < 100; i++) Assert.True(Send(size, limit));
    }

    [Fact]
    public void A_single_lost_response_does_not_shrink_the_batch()
    {
        var size = new BatchSize(time);
        Assert.False(size.Unanswered(CloudLimits.EntriesPerBatch));
        size.Answered(CloudLimits.EntriesPerBatch);
        Assert.False(size.Unanswered(CloudLimits.EntriesPerBatch));
        Assert.Equal(CloudLimits.EntriesPerBatch, size.Current);
    }

    [Fact]
    public void The_size_returns_to_the_maximum_after_an_outage()
    {
        var size = new BatchSize(time);
        for (var i = 0; i < 20; i++) Send(size, 0);
        Assert.Equal(1, size.Current);
        time.Advance(TimeSpan.FromMinutes(11));
        for (var i = 0; i < 10; i++) Send(size, CloudLimits.EntriesPerBatch);
        Assert.Equal(CloudLimits.EntriesPerBatch, size.Current);
    }

    [Fact]
    public void A_batch_of_one_entry_does_not_shrink()
    {
        var size = new BatchSize(time);
        for (var i = 0; i < 5; i++) Assert.False(size.Unanswered(1));
    }

    private static bool Send(BatchSize size, int limit)
    {
        var sent = size.Current;
        if (sent > limit) size.Unanswered(sent);
        else size.Answered(sent);
        return sent <= limit;
    }
}
