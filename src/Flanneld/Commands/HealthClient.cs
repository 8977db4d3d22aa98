using System.Net;
using Flannel.Core;
using Flanneld.Options;

namespace Flanneld.Commands;

/// <summary>A response of a daemon's health server.</summary>
internal sealed record HealthResponse(HttpStatusCode Status, string Text);

/// <summary>Reads from the health server of the daemon that runs on this host with the same settings.</summary>
internal sealed class HealthClient(DaemonOptions options)
{
    private const int MaxResponseBytes = 65536;

    // The image's health check allows the command one second more.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <param name="path">Such as <c>/readyz</c>.</param>
    public Uri UrlOf(string path) => new($"http://{Endpoint()}{path}");

    /// <returns>Fails when no program responds.</returns>
    public async Task<Result<HealthResponse>> ReadAsync(string path, CancellationToken cancellation)
    {
        var url = UrlOf(path);
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
        using var client = new HttpClient(handler) { Timeout = Timeout, MaxResponseContentBufferSize = MaxResponseBytes };
        try
        {
            using var response = await client.GetAsync(url, cancellation);
            return new HealthResponse(response.StatusCode, await response.Content.ReadAsStringAsync(cancellation));
        }
        catch (HttpRequestException e)
        {
            return Result.Failure($"no response from {url}: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Result.Failure($"no response from {url} within {Timeout.TotalSeconds:0} s");
        }
    }

    /// <summary>Where a daemon with the same flags listens, seen from its own host.</summary>
    private IPEndPoint Endpoint()
    {
        var address = options.HealthzIp;
        if (address.Equals(IPAddress.Any)) address = IPAddress.Loopback;
        else if (address.Equals(IPAddress.IPv6Any)) address = IPAddress.IPv6Loopback;
        return new IPEndPoint(address, options.HealthzPort);
    }
}
