using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Repository;

/// <summary>A web server for a folder, on the host or in a network namespace. Supports only GET.</summary>
internal sealed class FileServer : IAsyncDisposable
{
    private readonly string folder;
    private readonly Socket listener;
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentQueue<string> requests = new();
    private readonly Task serving;

    private FileServer(string folder, Socket listener)
    {
        (this.folder, this.listener) = (folder, listener);
        serving = ServeAsync();
    }

    /// <summary>The requested paths in order.</summary>
    public IReadOnlyCollection<string> Requests => requests;

    public static async Task<FileServer> StartAsync(NetworkNamespace ns, IPEndPoint address, string folder)
    {
        var listener = await ns.CreateSocketAsync(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        return Start(listener, address, folder);
    }

    /// <summary>Starts a server on the host.</summary>
    public static FileServer Start(IPEndPoint address, string folder) =>
        Start(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp), address, folder);

    private static FileServer Start(Socket listener, IPEndPoint address, string folder)
    {
        listener.Bind(address);
        listener.Listen();
        return new FileServer(folder, listener);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await serving;
        listener.Dispose();
        stop.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                _ = RespondAsync(await listener.AcceptAsync(stop.Token));
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private async Task RespondAsync(Socket client)
    {
        try
        {
            await using var stream = new NetworkStream(client, ownsSocket: true);
            using var reader = new StreamReader(stream, Encoding.ASCII);
            var target = (await reader.ReadLineAsync(stop.Token))?.Split(' ') is ["GET", var path, ..]
                ? Uri.UnescapeDataString(path) : null;
            while (await reader.ReadLineAsync(stop.Token) is { Length: > 0 })
            {
                // Headers are ignored.
            }
            requests.Enqueue(target ?? "no GET");
            var file = target is null ? null : Path.GetFullPath(Path.Combine(folder, target.TrimStart('/')));
            var found = file is not null && file.StartsWith(folder + "/", StringComparison.Ordinal) && File.Exists(file);
            var body = found ? await File.ReadAllBytesAsync(file!, stop.Token) : [];
            var head = $"HTTP/1.1 {(found ? "200 OK" : "404 Not Found")}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n";
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head), stop.Token);
            await stream.WriteAsync(body, stop.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client disconnected, or the server stops.
        }
    }
}
