using System.Net;
using Flannel.Testbed;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace AliCloud.Simulator.Hosting;

/// <summary>
/// Kestrel on one address, without the web host: it starts in a few milliseconds, and a listener can be stopped and started again on its
/// port while the others continue.
/// </summary>
internal sealed class Listener(IPEndPoint endPoint, RequestDelegate handler) : IHttpApplication<HttpContext>, IAsyncDisposable
{
    private const int LongestRequestLine = 64 * 1024;

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly IPEndPoint _endPoint = endPoint.Port == 0 ? new IPEndPoint(endPoint.Address, Ports.Free(endPoint.Address)) : endPoint;
    private KestrelServer? _server;

    /// <summary>The address where it listens, or listened before it was stopped.</summary>
    public Uri Url => new($"http://{_endPoint}");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_server is not null) return;
            var options = new KestrelServerOptions { AddServerHeader = false, AllowSynchronousIO = false };
            // The SDK sends all parameters in the query: a batch of fifty entries exceeds Kestrel's limit of 8 KiB for a request line.
            options.Limits.MaxRequestLineSize = LongestRequestLine;
            options.Limits.MaxRequestBufferSize = 2 * LongestRequestLine;
            options.Listen(_endPoint, l => l.Protocols = HttpProtocols.Http1);
            var sockets = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance);
            var server = new KestrelServer(Options.Create(options), sockets, NullLoggerFactory.Instance);
            await server.StartAsync(this, cancellationToken);
            _server = server;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Refuses new connections and resets open ones.</summary>
    public async Task StopAsync()
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (_server is not { } server) return;
            _server = null;
            await server.StopAsync(new CancellationToken(canceled: true));
            server.Dispose();
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _gate.Dispose();
    }

    HttpContext IHttpApplication<HttpContext>.CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    void IHttpApplication<HttpContext>.DisposeContext(HttpContext context, Exception? exception)
    {
    }

    async Task IHttpApplication<HttpContext>.ProcessRequestAsync(HttpContext context)
    {
        try
        {
            await handler(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has closed the connection.
        }
        catch (Exception e)
        {
            // An internal error of the simulator must not look like an injected fault.
            await Console.Error.WriteLineAsync("AliCloud.Simulator: " + e);
            context.Abort();
        }
    }
}
