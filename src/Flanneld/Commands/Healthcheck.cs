using System.Net;
using Flannel.Core;
using Flanneld.Options;

namespace Flanneld.Commands;

/// <summary><c>flanneld healthcheck</c>: what a container engine without a shell in the image asks.</summary>
internal static class Healthcheck
{
    /// <summary>The last line of <c>/readyz</c> of a daemon that is ready.</summary>
    public const string Ready = "flanneld is ready";

    // The image's health check gives the command a second more.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>Null when the daemon is ready; else what it says is missing, or that it does not answer.</summary>
    public static async Task<string?> RunAsync(DaemonOptions options, CancellationToken cancellation)
    {
        const string path = "/readyz";
        if (options.HealthzPort == 0) return "--healthz-port is not given: give the port that the daemon was started with";
        var (status, text) = await AskAsync(options, path, cancellation);
        var lines = text.TrimEnd('\n').ReplaceLineEndings("; ");
        return status switch
        {
            HttpStatusCode.OK when lines.EndsWith(Ready, StringComparison.Ordinal) => null,
            HttpStatusCode.ServiceUnavailable or null => lines,
            // Its text is of no use to anyone, and of any length.
            _ => $"http://{Endpoint(options)}{path} is answered by another program than flanneld (status {(int)status}): is --healthz-port the daemon's?",
        };
    }

    /// <summary>Where a daemon with the same flags can be reached from its own host.</summary>
    private static IPEndPoint Endpoint(DaemonOptions options) => new(
        options.HealthzIp.Equals(IPAddress.Any) ? IPAddress.Loopback : options.HealthzIp.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : options.HealthzIp,
        options.HealthzPort);

    /// <returns>No status, and why in one line, when there is no answer.</returns>
    private static async Task<(HttpStatusCode? Status, string Text)> AskAsync(DaemonOptions options, string path, CancellationToken cancellation)
    {
        var endpoint = Endpoint(options);
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
        using var client = new HttpClient(handler) { Timeout = Limit, MaxResponseContentBufferSize = 65536 };
        try
        {
            using var answer = await client.GetAsync(new Uri($"http://{endpoint}{path}"), cancellation);
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync(cancellation));
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return (null, $"no answer from http://{endpoint}{path}: {(e is HttpRequestException ? e.Message : $"none within {Limit.TotalSeconds:0} s")}");
        }
    }
}
