using System.Globalization;
using Flannel.Core.Addresses;
using Flannel.HostNetwork;

namespace Flanneld.Host.Interfaces;

/// <summary>The IPv6 addresses of an interface by which other hosts reach it, from <c>/proc/net/if_inet6</c>. Pure.</summary>
internal static class Ipv6Addresses
{
    // linux/if_addr.h
    private const int Temporary = 0x01;
    private const int DuplicateFound = 0x08;
    private const int Deprecated = 0x20;

    // RFC 3587's global addresses and unique local ones (RFC 4193) have the scope 0; link-local ones have 20.
    private const string GlobalScope = "00";

    /// <summary>The kernel's table; null if it cannot be read, such as on a host without IPv6.</summary>
    public static string? ReadTable() => KernelFile.Read("/proc/net/if_inet6");

    /// <summary>In the kernel's order, temporary ones (RFC 8981) last. Unlike upstream without link-local ones: they do not leave the
    /// link.</summary>
    /// <param name="table">The file's text, one address per line: address, index of the interface, prefix length, scope, flags,
    /// interface; numbers are hexadecimal.</param>
    public static IReadOnlyList<IpAddress> Of(string interfaceName, string table) =>
        [.. ReadLines(interfaceName, table).OrderBy(each => each.IsTemporary).Select(each => IpAddress.V6(each.Address))];

    private readonly record struct Line(UInt128 Address, bool IsTemporary);

    private static IEnumerable<Line> ReadLines(string interfaceName, string table)
    {
        foreach (var line in table.Split('\n'))
        {
            var fields = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 6 || fields[5] != interfaceName || fields[3] != GlobalScope) continue;
            if (!int.TryParse(fields[4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var flags)) continue;
            if ((flags & (DuplicateFound | Deprecated)) != 0) continue;
            if (UInt128.TryParse(fields[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var address))
                yield return new Line(address, (flags & Temporary) != 0);
        }
    }
}
