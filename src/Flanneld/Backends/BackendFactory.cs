using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Configuration;

namespace Flanneld.Backends;

/// <summary>The backends of this build.</summary>
internal static class BackendFactory
{
    /// <summary>The backend of a network configuration; fails when this build does not support it.</summary>
    public static Result<IBackend> Create(NetworkConfig config)
    {
        if (config.BackendType == FlannelContract.DefaultBackend && config.Backend.ValueKind == JsonValueKind.Undefined)
        {
            return Result.Failure(
                $"Backend is missing: add \"Backend\":{{\"Type\":\"{FlannelContract.AliVpcBackend}\"}}"
                + $" (upstream's default is {FlannelContract.DefaultBackend}, which this build does not support)");
        }

        var backend = config.Backend;
        return config.BackendType switch
        {
            FlannelContract.AliVpcBackend => AliVpcBackendConfig.Parse(backend).Select<IBackend>(parsed => new AliVpcBackend(parsed)),
            // A backend object that ali-vpc would reject is rejected for alloc, too.
            FlannelContract.AllocBackend => AliVpcBackendConfig.Parse(backend).Select<IBackend>(_ => new AllocBackend()),
            FlannelContract.VxlanBackend => CreateVxlan(config),
            "" => Result.Failure($"Backend.Type is missing: this build supports {FlannelContract.Backends}"),
            _ => Result.Failure(
                $"Backend.Type is '{PrintableText.Of(config.BackendType)}': this build supports {FlannelContract.Backends}"),
        };
    }

    private static Result<IBackend> CreateVxlan(NetworkConfig config)
    {
        var parsed = VxlanBackendConfig.Parse(config.Backend);
        return parsed.Ok ? VxlanBackend.Create(parsed.Value, config.Ipv6 is not null) : Result.Failure(parsed.Error);
    }

    /// <summary>The backend of a configuration whose routes can be read.</summary>
    /// <param name="configKey">The configuration's key, for the error.</param>
    public static Result<AliVpcBackend> CreateAliVpc(ConfigState state, string configKey)
    {
        if (state is ConfigState.Invalid invalid) return Result.Failure($"invalid network configuration at {configKey}: {invalid.Error}");
        if (state is not ConfigState.Present { Config: var config }) return Result.Failure($"no network configuration at {configKey}");
        var backend = Create(config);
        if (!backend.Ok) return Result.Failure($"invalid network configuration at {configKey}: {backend.Error}");
        return backend.Value is AliVpcBackend routed ? routed : Result.Failure($"backend {config.BackendType} has no routes");
    }

    /// <summary>Accepted settings that are probably mistakes, one line each.</summary>
    public static IEnumerable<string> Warnings(NetworkConfig config) => config.BackendType switch
    {
        FlannelContract.AliVpcBackend => config.Warnings.Concat(AliVpcBackendConfig.Warnings(config.Backend)),
        FlannelContract.VxlanBackend => config.Warnings.Concat(VxlanBackendConfig.Warnings(config.Backend)),
        _ => config.Warnings,
    };
}
