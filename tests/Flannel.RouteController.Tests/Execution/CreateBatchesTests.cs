using AliCloud.Simulator.Api;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Execution;

public sealed class CreateBatchesTests
{
    private static readonly RouteAction.Create[] Two = [new("vtb-1", Plans.Wanted("10.24.1.0/24")), new("vtb-1", Plans.Wanted("10.24.2.0/24", "i-2"))];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void After_single_calls_three_that_succeed_in_a_row_speak_for_batches_again(bool interrupted)
    {
        var batches = new CreateBatches(new RouteFailures(TimeProvider.System, new Random(1)), TimeProvider.System);
        RefuseUntilSingle(batches);
        batches.SingleDone();
        batches.SingleDone();
        Assert.IsType<RouteWrite.CreateOne>(batches.Next(Two, _ => true));
        if (interrupted)
        {
            batches.SingleFailed();
            RefuseUntilSingle(batches);
        }

        batches.SingleDone();
        Assert.Equal(interrupted, batches.Next(Two, _ => true) is RouteWrite.CreateOne);
    }

    private static void RefuseUntilSingle(CreateBatches batches)
    {
        for (var tried = batches.Size.Largest; tried > 1; tried /= 2) batches.Refused(tried);
    }
}
