using System.Text.Json;
using Flannel.Core;
using Flannel.Etcd.Registry;
using Flanneld.Clients;
using Flanneld.Options;

namespace Flanneld.Commands.Config;

/// <summary>Reads the configuration that is in etcd.</summary>
internal sealed class ConfigReader(DaemonOptions options, Connections connections)
{
    public string Key { get; } = options.EtcdKeys.Config.ToStringUtf8();

    public Task<StoredConfig> ReadAsync(CancellationToken cancellation) =>
        ConfigStore.ReadAsync(connections.Etcd, options.EtcdKeys, cancellation);

    /// <returns>Fails if there is none, and if it is invalid, with what to do.</returns>
    public async Task<Result<ConfigDescription>> DescribeAsync(CancellationToken cancellation)
    {
        var stored = await ReadAsync(cancellation);
        if (stored.Value is not { } value) return Result.Failure(await DescribeMissingAsync(cancellation));
        var config = ConfigInput.Parse(Key, value.Span);
        if (!config.Ok) return Result.Failure($"{config.Error}; correct it with 'flanneld config set FILE'");
        using var document = JsonDocument.Parse(config.Value.Value);
        var state = await connections.Subnets.ReadAsync(cancellation);
        return new ConfigDescription(Key, new StoredText(document.RootElement.Clone(), stored.ModRevision), config.Value, state);
    }

    /// <summary>The note that another store has a configuration; empty if none has.</summary>
    public async Task<string> DescribeV2Async(CancellationToken cancellation) =>
        await connections.FindConfigInV2StoreAsync(cancellation) is { } endpoint
            ? $"the v2 store of {endpoint} has one, which flannel does not read"
            : "";

    private async Task<string> DescribeMissingAsync(CancellationToken cancellation)
    {
        var v2 = await DescribeV2Async(cancellation);
        return $"there is no network configuration at {Key}{(v2.Length > 0 ? $" ({v2})" : "")};"
            + $" write one: flanneld config set '{FlannelContract.ExampleConfig}'";
    }
}
