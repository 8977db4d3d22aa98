using Flannel.Core;
using Flannel.Core.Leases;
using Flanneld.Clients;
using Flanneld.Options;

namespace Flanneld.Commands.Config;

/// <summary><c>flanneld config validate</c>: checks the stored network configuration, or that of a file, as the daemon does.</summary>
/// <param name="opened">A file is checked even if there are no connections.</param>
internal sealed class ConfigValidate(DaemonOptions options, Result<Connections> opened, ClientContext context)
{
    /// <returns>Success if it is valid. What the cluster says about it, and what could not be checked, is no failure.</returns>
    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        var given = options.Argument is { } argument
            ? await ConfigInput.ReadAsync(argument, cancellation)
            : await ReadStoredAsync(cancellation);
        if (!given.Ok) return Result.Failure(given.Error);
        var config = given.Value;
        List<string> lines = [$"{config.Name} is valid: {ConfigDescription.Summarize(config.Config)}"];
        lines.AddRange(config.Warnings.Select(line => $"warning: {line}"));
        if (!opened.Ok)
        {
            lines.Add($"not checked: leases and the ranges of the VPC: {opened.Error}");
        }
        else
        {
            var state = await StoreErrors.ToResultAsync<SubnetState>(async () => await opened.Value.Subnets.ReadAsync(cancellation));
            if (!state.Ok) lines.Add($"not checked: leases: {state.Error}");
            var review = await ConfigReview.RunAsync(options, opened.Value, config, state.Ok ? state.Value : null, context, cancellation);
            lines.AddRange(review.Lines);
        }

        await Console.Out.WriteLineAsync(string.Join('\n', lines));
        return Unit.Instance;
    }

    private async Task<Result<ConfigInput>> ReadStoredAsync(CancellationToken cancellation)
    {
        if (!opened.Ok) return Result.Failure(opened.Error);
        var described = await StoreErrors.ToResultAsync(
            () => new ConfigReader(opened.Value).DescribeAsync(cancellation));
        return described.Select(config => config.Parsed);
    }
}
