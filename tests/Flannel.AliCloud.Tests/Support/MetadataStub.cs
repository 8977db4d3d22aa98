using System.Net;
using System.Net.Sockets;
using System.Text;
using Flannel.AliCloud.Metadata;

namespace Flannel.AliCloud.Tests.Support;

/// <summary>A metadata service on a socket whose responses the test chooses, for faults that the simulator does not have.</summary>
internal sealed class MetadataStub : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Func<string, string, int, Task<(int Status, string Body)>> answer;
    private readonly List<string> requests = [];
    private Task running = Task.CompletedTask;

    private MetadataStub(Func<string, string, int, Task<(int, string)>> answer) => this.answer = answer;

    public IReadOnlyList<string> Methods
    {
        get
        {
            lock (requests) return [.. requests.Select(r => r[..r.IndexOf(' ', StringComparison.Ordinal)])];
        }
    }

    /// <param name="answer">Creates the response from the method, the complete head of the request and its number, from 0.</param>
    public static Task<MetadataStub> StartAsync(Func<string, string, int, (int Status, string Body)> answer) =>
        StartAsync((method, head, n) => Task.FromResult(answer(method, head, n)));

    public static Task<MetadataStub> StartAsync(Func<string, string, int, Task<(int Status, string Body)>> answer)
    {
        var stub = new MetadataStub(answer);
        stub.listener.Start();
        stub.running = stub.ServeAsync();
        return Task.FromResult(stub);
    }

    /// <summary>With a trailing slash.</summary>
    public string Address => $"http://{listener.LocalEndpoint}/";

    public MetadataClient Client(Func<MetadataOptions, MetadataOptions>? change = null)
    {
        var options = new MetadataOptions { Endpoint = new Uri($"http://{listener.LocalEndpoint}"), FirstRetryPause = TimeSpan.Zero };
        return new MetadataClient(change?.Invoke(options) ?? options, TimeProvider.System, new Random(5), new RecordingLogger());
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await running;
        stop.Dispose();
        listener.Dispose();
    }

    private async Task ServeAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(stop.Token);
                connections.Add(ConverseAsync(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // InvalidOperationException: stopped before it accepted a connection.
            await Task.WhenAll(connections);
        }
    }

    private async Task ConverseAsync(TcpClient client)
    {
        using var owned = client;
        try
        {
            await using var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.ASCII);
            while (true)
            {
                var head = new StringBuilder();
                while (await reader.ReadLineAsync(stop.Token) is { Length: > 0 } line) head.Append(line).Append('\n');
                if (head.Length == 0) return;
                var request = head.ToString();
                int n;
                lock (requests)
                {
                    n = requests.Count;
                    requests.Add(request);
                }

                var (status, body) = await answer(request[..request.IndexOf(' ', StringComparison.Ordinal)], request, n);
                await stream.WriteAsync(Encoding.UTF8.GetBytes(
                    $"HTTP/1.1 {status} X\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}"), stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client or the test has ended.
        }
    }
}
