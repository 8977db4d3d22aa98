using Flannel.RouteController.Execution;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.RouteController.Tests.Execution;

public sealed class CreateBatchesTests
{
    private static readonly RouteAction.Create[] Two =
        [new("vtb-1", Plans.Desired("10.24.1.0/24")), new("vtb-1", Plans.Desired("10.24.2.0/24", "i-2"))];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Three_successful_single_calls_in_a_row_allow_batches_again(bool interrupted)
    {
        var batches = new CreateBatches(
            new BatchSize(TimeProvider.System), new RouteFailures(TimeProvider.System, new Random(1), NullLogger.Instance),
            TimeProvider.System);
        RejectUntilSingle(batches);
        batches.SingleSucceeded();
        batches.SingleSucceeded();
        Assert.IsType<RouteWrite.CreateOne>(batches.Next(Two, _ => true));
        if (interrupted)
        {
            batches.SingleFailed();
            RejectUntilSingle(batches);
        }

        batches.SingleSucceeded();
        Assert.Equal(interrupted, batches.Next(Two, _ => true) is RouteWrite.CreateOne);
    }

    private static void RejectUntilSingle(CreateBatches batches)
    {
        for (var tried = batches.Size.Largest; tried > 1; tried /= 2) batches.Rejected(tried);
    }
}
