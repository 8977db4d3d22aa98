using System.Net;
using Flannel.Core;
using Flanneld.Observability;
using Flanneld.Options;

namespace Flanneld.Commands;

/// <summary><c>flanneld healthcheck</c>: the health check of a container whose image has no shell.</summary>
internal sealed class Healthcheck(DaemonOptions options)
{
    private const string Path = "/readyz";

    private readonly HealthClient health = new(options);

    /// <returns>Success when the daemon is ready; else the reasons that it reports, or that it does not respond.</returns>
    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        if (options.HealthzPort == 0) return Result.Failure("--healthz-port is not given: give the port that the daemon was started with");
        var response = await health.ReadAsync(Path, cancellation);
        if (!response.Ok) return Result.Failure(response.Error);
        var lines = response.Value.Text.TrimEnd('\n').ReplaceLineEndings("; ");
        return response.Value.Status switch
        {
            HttpStatusCode.OK when lines.EndsWith(HealthServer.ReadyText, StringComparison.Ordinal) => Unit.Instance,
            HttpStatusCode.ServiceUnavailable => Result.Failure(lines),
            // The text is of another program, and may be of any length.
            _ => Result.Failure($"a program other than flanneld responds at {health.UrlOf(Path)} (status {(int)response.Value.Status}):"
                + " check that --healthz-port is the daemon's"),
        };
    }
}
