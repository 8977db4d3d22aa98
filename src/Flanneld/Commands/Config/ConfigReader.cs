using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Configuration;
using Flanneld.Clients;

namespace Flanneld.Commands.Config;

/// <summary>Reads the configuration of the cluster.</summary>
internal sealed class ConfigReader(Connections connections)
{
    public string Key { get; } = connections.Subnets.ConfigLocation;

    public Task<StoredConfig> ReadAsync(CancellationToken cancellation) =>
        connections.Store.ReadConfigAsync(cancellation);

    /// <returns>Fails if there is none, and if it is invalid, with what to do.</returns>
    public async Task<Result<ConfigDescription>> DescribeAsync(CancellationToken cancellation)
    {
        var stored = await ReadAsync(cancellation);
        if (stored.Value is not { } value) return Result.Failure(await DescribeMissingAsync(cancellation));
        var config = ConfigInput.Parse(Key, value.Span);
        if (!config.Ok) return Result.Failure($"{config.Error}; correct it with '{connections.Store.ConfigEditCommand}'");
        using var document = JsonDocument.Parse(config.Value.Value);
        var state = await connections.Subnets.ReadAsync(cancellation);
        return new ConfigDescription(Key, new StoredText(document.RootElement.Clone(), stored.ModRevision), config.Value, state);
    }

    /// <summary>The note that another place has a configuration; empty if none has.</summary>
    public async Task<string> DescribeMisplacedAsync(CancellationToken cancellation) =>
        await connections.Store.FindMisplacedConfigAsync(cancellation) is { } place
            ? $"{place} has one, which flannel does not read"
            : "";

    private async Task<string> DescribeMissingAsync(CancellationToken cancellation)
    {
        var misplaced = await DescribeMisplacedAsync(cancellation);
        return $"there is no network configuration at {Key}{(misplaced.Length > 0 ? $" ({misplaced})" : "")};"
            + $" write one: {connections.Subnets.ConfigCommand}";
    }
}
