using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Flannel.Testbed;

/// <summary>A message to the service manager.</summary>
/// <param name="At"><see cref="Stopwatch.GetTimestamp"/> when it was received.</param>
/// <param name="Time">The same moment in UTC.</param>
public sealed record Notification(long At, DateTimeOffset Time, string Text)
{
    public IReadOnlyList<string> Lines => Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>The service manager's end of NOTIFY_SOCKET: records the messages of a daemon in order.</summary>
public sealed class NotifySocket : IDisposable
{
    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly List<Notification> received = [];
    private readonly TaskCompletionSource<Notification> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public NotifySocket(string path)
    {
        Path = path;
        File.Delete(path);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        // The daemon runs as another user.
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
        _ = ReceiveAsync();
    }

    public string Path { get; }

    public IReadOnlyList<Notification> Received
    {
        get
        {
            lock (received)
            {
                return [.. received];
            }
        }
    }

    /// <summary>Completes with the first message that contains READY=1.</summary>
    public Task<Notification> Ready => ready.Task;

    /// <summary>The first message that contains the line, or null.</summary>
    public Notification? First(string line) => Received.FirstOrDefault(message => message.Lines.Contains(line));

    /// <summary>Waits for a message that contains the line. A message of a process that has ended may still be unread.</summary>
    public Task<Notification> WaitForAsync(string line, CancellationToken cancel) => Eventually.HasAsync(
        $"the service manager receives {line}", () => Task.FromResult(First(line)), cancel,
        context: () => string.Join('\n', Received.Select(message => message.Text)));

    /// <summary>The text of the newest STATUS=, or null.</summary>
    public string? Status => Received.SelectMany(message => message.Lines)
        .LastOrDefault(line => line.StartsWith("STATUS=", StringComparison.Ordinal))?["STATUS=".Length..];

    public void Dispose() => socket.Dispose();

    private async Task ReceiveAsync()
    {
        var buffer = new byte[8192];
        try
        {
            while (true)
            {
                var count = await socket.ReceiveAsync(buffer);
                var message = new Notification(Stopwatch.GetTimestamp(), TimeProvider.System.GetUtcNow(),
                    Encoding.UTF8.GetString(buffer, 0, count));
                lock (received)
                {
                    received.Add(message);
                }
                if (message.Lines.Contains("READY=1"))
                {
                    ready.TrySetResult(message);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }
}
