namespace AliCloud.Simulator.Tests;

/// <summary>Waits for a condition, with a generous time limit.</summary>
internal static class Until
{
    public static async Task TrueAsync(Func<bool> condition)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(30));
        while (!condition()) await Task.Delay(TimeSpan.FromMilliseconds(5), timeout.Token);
    }
}
