using System.Net;
using Flanneld.Options;

namespace Flanneld.Commands;

/// <summary><c>flanneld healthcheck</c>: what a container engine without a shell in the image asks.</summary>
internal static class Healthcheck
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>Null when the daemon is ready; else what it says is missing, or that it does not answer.</summary>
    public static async Task<string?> RunAsync(DaemonOptions options, CancellationToken cancellation)
    {
        if (options.HealthzPort == 0) return "healthcheck asks the daemon on --healthz-port: give the port that the daemon was started with";
        var (ok, text) = await AskAsync(options, "/readyz", cancellation).ConfigureAwait(false);
        return ok ? null : text;
    }

    /// <summary>Whether a daemon lives there, ready or not.</summary>
    public static async Task<bool> AnswersAsync(DaemonOptions options, CancellationToken cancellation) =>
        (await AskAsync(options, "/healthz", cancellation).ConfigureAwait(false)).Ok;

    private static async Task<(bool Ok, string Text)> AskAsync(DaemonOptions options, string path, CancellationToken cancellation)
    {
        var address = options.HealthzIp.Equals(IPAddress.Any) ? IPAddress.Loopback
            : options.HealthzIp.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback
            : options.HealthzIp;
        var endpoint = new IPEndPoint(address, options.HealthzPort);
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
        using var client = new HttpClient(handler) { Timeout = Limit, MaxResponseContentBufferSize = 65536 };
        try
        {
            using var answer = await client.GetAsync(new Uri($"http://{endpoint}{path}"), cancellation).ConfigureAwait(false);
            var text = await answer.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false);
            return (answer.IsSuccessStatusCode, text.TrimEnd('\n').ReplaceLineEndings("; "));
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return (false, $"no answer from http://{endpoint}{path}: {(e is HttpRequestException ? e.Message : $"none within {Limit.TotalSeconds:0} s")}");
        }
    }
}
