using System.Globalization;

namespace Flannel.HostNetwork;

/// <summary>The capabilities of this process (capabilities(7)).</summary>
public static class ProcessCapabilities
{
    private const string Effective = "CapEff:";

    // CAP_NET_ADMIN, linux/capability.h.
    private const int NetAdmin = 12;

    /// <summary>Null if it is not known.</summary>
    public static bool? HasNetAdmin()
    {
        var lines = KernelFile.Read("/proc/self/status")?.Split('\n');
        var line = lines?.FirstOrDefault(line => line.StartsWith(Effective, StringComparison.Ordinal));
        return ulong.TryParse(line?[Effective.Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var set)
            ? (set >> NetAdmin & 1) == 1
            : null;
    }
}
