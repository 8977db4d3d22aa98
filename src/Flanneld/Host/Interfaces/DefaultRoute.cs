using System.Globalization;
using Flannel.HostNetwork;

namespace Flanneld.Host.Interfaces;

/// <summary>The interface of the IPv4 default route, from <c>/proc/net/route</c> (the kernel's main table).</summary>
internal static class DefaultRoute
{
    private const int Up = 0x1; // RTF_UP, linux/route.h

    /// <summary>The kernel's table; null if it cannot be read.</summary>
    public static string? ReadTable() => KernelFile.Read("/proc/net/route");

    /// <summary>The interface of this host's default route; null without one, and if the routes cannot be read.</summary>
    public static string? OfThisHost() => Find(ReadTable() ?? "");

    /// <summary>Whether a router advertisement gave an interface of this host its IPv6 default route.</summary>
    public static bool IsAdvertised(string interfaceName) =>
        IsAdvertised(KernelFile.Read("/proc/net/ipv6_route") ?? "", interfaceName);

    /// <param name="table">The text of <c>/proc/net/ipv6_route</c>, one route per line: destination, its length, source, its length, next
    /// hop, metric, references, use, flags, interface; numbers are hexadecimal.</param>
    internal static bool IsAdvertised(string table, string interfaceName)
    {
        // RTF_DEFAULT and RTF_ADDRCONF, linux/ipv6_route.h
        const int advertised = 0x00010000 | 0x00040000;
        foreach (var line in table.Split('\n'))
        {
            var fields = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 10 || fields[1] != "00" || fields[9] != interfaceName) continue;
            if (uint.TryParse(fields[8], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var flags)
                && (flags & advertised) == advertised)
                return true;
        }

        return false;
    }

    /// <summary>The interface with the lowest metric; null when there is no default route.</summary>
    /// <param name="table">The file's text: a heading, then one route per line: Iface Destination Gateway Flags RefCnt Use Metric Mask
    /// …</param>
    public static string? Find(string table)
    {
        string? found = null;
        var lowest = long.MaxValue;
        foreach (var line in table.Split('\n').Skip(1))
        {
            var fields = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 8 || fields[1] != "00000000" || fields[7] != "00000000") continue;
            var isNumber = int.TryParse(fields[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var flags);
            if (!isNumber || (flags & Up) == 0) continue;
            if (!long.TryParse(fields[6], NumberStyles.None, CultureInfo.InvariantCulture, out var metric) || metric >= lowest) continue;
            lowest = metric;
            found = fields[0];
        }

        return found;
    }
}
