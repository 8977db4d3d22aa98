using System.Text.Json;
using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Registry;
using Flannel.RouteController.Planning;

namespace Flanneld.Backends;

/// <summary>What a network configuration asks of this node's backend.</summary>
internal static class NodeBackend
{
    /// <summary>Null when this build can serve the configuration; else one line that says why not.</summary>
    public static string? Refusal(NetworkConfig config)
    {
        if (config.BackendType == FlannelContract.DefaultBackend && config.Backend.ValueKind == JsonValueKind.Undefined)
        {
            return $"Backend is missing: add \"Backend\":{{\"Type\":\"{FlannelContract.AliVpcBackend}\"}}"
                + $" (upstream's default is {FlannelContract.DefaultBackend}, which this build does not have)";
        }

        if (config.BackendType.Length == 0)
            return $"Backend.Type is missing: this build has {FlannelContract.Backends}";
        if (config.BackendType is not (FlannelContract.AliVpcBackend or FlannelContract.AllocBackend))
            return $"Backend.Type is '{config.BackendType}', and this build has {FlannelContract.Backends}";
        return AliVpcBackendConfig.Parse(config.Backend, out var error) is null ? error : null;
    }

    /// <summary>What the configuration holds that is accepted and probably not meant so, a line each.</summary>
    public static IEnumerable<string> Warnings(NetworkConfig config) =>
        NeedsRoutes(config) ? config.Warnings.Concat(AliVpcBackendConfig.Warnings(config.Backend)) : config.Warnings;

    /// <summary>Null when there is a configuration whose routes can be looked at; else one line.</summary>
    public static string? Unusable(ConfigState state, EtcdKeys keys) => state switch
    {
        ConfigState.Present { Config: var config } => Refusal(config)
            ?? (NeedsRoutes(config) ? null : $"backend {config.BackendType} has no routes"),
        ConfigState.Refused refused => $"the network configuration at {keys.Config.ToStringUtf8()} is refused: {refused.Error}",
        _ => $"there is no network configuration at {keys.Config.ToStringUtf8()}",
    };

    public static bool NeedsRoutes(NetworkConfig config) => config.BackendType == FlannelContract.AliVpcBackend;

    /// <summary>The value of this node's lease; null when the configuration cannot be served (yet).</summary>
    /// <param name="identity">Null until it is known, or where none is needed.</param>
    public static LeaseAttributes? AttributesFor(NetworkConfig config, Ipv4Address publicIp, string? publicIpv6, InstanceIdentity? identity)
    {
        if (Refusal(config) is not null || (NeedsRoutes(config) && identity is null)) return null;
        var data = NeedsRoutes(config) ? AliVpcBackendData.Of(identity!).ToJson() : null;
        return new LeaseAttributes(publicIp, publicIpv6, config.BackendType, data, null);
    }
}
