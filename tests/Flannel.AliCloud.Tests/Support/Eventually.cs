namespace Flannel.AliCloud.Tests.Support;

internal static class Eventually
{
    /// <summary>Waits for an effect of other threads, with a time limit that only a failure reaches.</summary>
    public static async Task Is(Func<bool> condition)
    {
        for (var i = 0; i < 3000; i++)
        {
            if (condition()) return;
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.Fail("the condition did not come true within 30 s");
    }
}
