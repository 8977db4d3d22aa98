using System.Runtime.InteropServices;

namespace Flanneld.Host;

/// <summary>Runs a task each time that a signal arrives. Signals that arrive while it runs cause one more run: many signals never run at
/// once.</summary>
/// <param name="run">Handles its failures.</param>
internal sealed class SignalTask(Func<Task> run) : IDisposable
{
    private readonly Lock gate = new();
    private PosixSignalRegistration? registration;
    private bool isRunning;
    private bool isRequested;

    /// <param name="signal">A member of <see cref="PosixSignal"/>, or the number of a signal.</param>
    public static SignalTask Register(PosixSignal signal, Func<Task> run)
    {
        var task = new SignalTask(run);
        task.registration = PosixSignalRegistration.Create(signal, context =>
        {
            // Otherwise the signal ends the process.
            context.Cancel = true;
            task.Request();
        });
        return task;
    }

    /// <summary>Starts the task, or starts it again after the present run. It does not wait.</summary>
    public void Request()
    {
        lock (gate)
        {
            isRequested = true;
            if (isRunning) return;
            isRunning = true;
        }

        _ = Task.Run(RunAsync);
    }

    public void Dispose() => registration?.Dispose();

    private async Task RunAsync()
    {
        while (true)
        {
            lock (gate)
            {
                if (!isRequested)
                {
                    isRunning = false;
                    return;
                }

                isRequested = false;
            }

            await run();
        }
    }
}
