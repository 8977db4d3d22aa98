using Flanneld.Host;
using Flanneld.Options;
using Flanneld.Options.Installed;

namespace Flanneld.Clients;

/// <summary>Says where the endpoints of etcd belong, when the default ones are used and none of them is available. Many users start the
/// installed service before they have changed its settings.</summary>
internal static class EndpointAdvice
{
    /// <returns>The end of a message; null if the endpoints are not the default ones.</returns>
    public static string? Find(DaemonOptions options, HostFiles host)
    {
        if (options.EtcdEndpoints != OptionDefaults.EtcdEndpoints) return null;
        var file = InstalledSettingsReader.PackageFiles.FirstOrDefault(file => host.Exists(file.Path));
        var advice = file is null ? "give --etcd-endpoints" : $"set FLANNELD_ETCD_ENDPOINTS in {file.Path}";
        return $"these are the default endpoints: {advice}";
    }
}
