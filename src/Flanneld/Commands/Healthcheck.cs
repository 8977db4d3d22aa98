using System.Net;
using Flannel.Core;
using Flanneld.Observability;
using Flanneld.Options;

namespace Flanneld.Commands;

/// <summary><c>flanneld healthcheck</c>: the health check of a container whose image has no shell.</summary>
internal sealed class Healthcheck(DaemonOptions options)
{
    private const int MaxResponseBytes = 65536;

    // The image's health check allows the command one second more.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private Uri Url => new($"http://{Endpoint()}/readyz");

    /// <returns>Success when the daemon is ready; else the reasons that it reports, or that it does not respond.</returns>
    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        if (options.HealthzPort == 0) return Result.Failure("--healthz-port is not given: give the port that the daemon was started with");
        var response = await RequestAsync(cancellation);
        if (!response.Ok) return Result.Failure(response.Error);
        var (status, text) = response.Value;
        var lines = text.TrimEnd('\n').ReplaceLineEndings("; ");
        return status switch
        {
            HttpStatusCode.OK when lines.EndsWith(HealthServer.ReadyText, StringComparison.Ordinal) => Unit.Instance,
            HttpStatusCode.ServiceUnavailable => Result.Failure(lines),
            // The text is of another program, and may be of any length.
            _ => Result.Failure(
                $"a program other than flanneld responds at {Url} (status {(int)status}): check that --healthz-port is the daemon's"),
        };
    }

    /// <summary>Where a daemon with the same flags listens, seen from its own host.</summary>
    private IPEndPoint Endpoint()
    {
        var address = options.HealthzIp;
        if (address.Equals(IPAddress.Any)) address = IPAddress.Loopback;
        else if (address.Equals(IPAddress.IPv6Any)) address = IPAddress.IPv6Loopback;
        return new IPEndPoint(address, options.HealthzPort);
    }

    private async Task<Result<Response>> RequestAsync(CancellationToken cancellation)
    {
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
        using var client = new HttpClient(handler) { Timeout = Timeout, MaxResponseContentBufferSize = MaxResponseBytes };
        try
        {
            using var response = await client.GetAsync(Url, cancellation);
            return new Response(response.StatusCode, await response.Content.ReadAsStringAsync(cancellation));
        }
        catch (HttpRequestException e)
        {
            return Result.Failure($"no response from {Url}: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Result.Failure($"no response from {Url} within {Timeout.TotalSeconds:0} s");
        }
    }

    private sealed record Response(HttpStatusCode Status, string Text);
}
