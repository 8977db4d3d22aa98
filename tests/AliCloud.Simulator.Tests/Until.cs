namespace AliCloud.Simulator.Tests;

/// <summary>Waits for what must come to pass, generously.</summary>
internal static class Until
{
    public static async Task TrueAsync(Func<bool> condition)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        while (!condition()) await Task.Delay(TimeSpan.FromMilliseconds(5), patience.Token);
    }
}
