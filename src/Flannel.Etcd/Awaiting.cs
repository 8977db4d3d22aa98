namespace Flannel.Etcd;

/// <summary>Nothing above the connection leaves the context that it runs in: no await without it, no
/// <see cref="CancellationTokenSource.CancelAsync"/>, which hands its callbacks to the thread pool. So a scheduler of a test decides the order
/// of everything, and in the daemon, which has no context, a cancelled wait costs no thread hop. What is cancelled here are timers and
/// requests: their callbacks are short.</summary>
internal static class Awaiting
{
    /// <summary>For a task whose failure says nothing new.</summary>
    public const ConfigureAwaitOptions InPlace = ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;
}
