using Flannel.Core;
using Flanneld.Clients;
using Flanneld.Options;

namespace Flanneld.Commands.Config;

/// <summary><c>flanneld config get</c>: prints the network configuration with the values that follow from it, without secrets.</summary>
internal sealed class ConfigGet(DaemonOptions options, Connections connections)
{
    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        var text = await ReadAsync(cancellation);
        if (!text.Ok) return Result.Failure(text.Error);
        await Console.Out.WriteAsync(text.Value);
        return Unit.Instance;
    }

    /// <summary>What it prints.</summary>
    public Task<Result<string>> ReadAsync(CancellationToken cancellation) => StoreErrors.ToResultAsync(async () =>
    {
        var described = await new ConfigReader(connections).DescribeAsync(cancellation);
        return described.Select(config => config.ToDocument().Format(options.Output));
    });
}
