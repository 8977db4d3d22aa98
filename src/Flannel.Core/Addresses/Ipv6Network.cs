using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Flannel.Core.Addresses;

/// <summary>An IPv6 prefix, such as fc00::/48. A value never has bits beyond its length.</summary>
public readonly record struct Ipv6Network : IComparable<Ipv6Network>
{
    private const int Groups = 8;

    /// <param name="address">Any address inside; bits beyond <paramref name="length"/> are cleared.</param>
    /// <param name="length">0 to 128.</param>
    public Ipv6Network(UInt128 address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, 128);
        Address = address & Mask(length);
        Length = length;
    }

    public UInt128 Address { get; }

    /// <summary>The prefix length in bits, 0 to 128.</summary>
    public int Length { get; }

    /// <summary>The last address inside.</summary>
    public UInt128 Last => Address | ~Mask(Length);

    public bool Contains(UInt128 address) => (address & Mask(Length)) == Address;

    public bool Contains(Ipv6Network other) => other.Length >= Length && Contains(other.Address);

    public bool Overlaps(Ipv6Network other) => Contains(other.Address) || other.Contains(Address);

    public static bool TryParseAddress(ReadOnlySpan<char> text, out UInt128 address)
    {
        address = default;
        // IPAddress also accepts scopes, brackets and ports.
        if (text.IndexOfAny('%', '[', ']') >= 0 || !text.Contains(':')) return false;
        if (!IPAddress.TryParse(text, out var parsed) || parsed.AddressFamily != AddressFamily.InterNetworkV6) return false;
        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out _);
        address = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return true;
    }

    /// <summary>Strict: no host bits; a length is required.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Ipv6Network network) =>
        TryParse(text, '/', out network, out var hostBits) && !hostBits;

    /// <summary>With another separator, and host bits are accepted.</summary>
    /// <param name="network">Without the host bits.</param>
    /// <param name="hostBits">True if the text has bits beyond the length.</param>
    public static bool TryParse(ReadOnlySpan<char> text, char separator, out Ipv6Network network, out bool hostBits)
    {
        network = default;
        hostBits = false;
        var slash = text.IndexOf(separator);
        if (slash < 0 || !TryParseAddress(text[..slash], out var address)) return false;
        var digits = text[(slash + 1)..];
        if (digits.Length is 0 or > 3 || (digits.Length > 1 && digits[0] == '0')) return false;
        var length = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiDigit(digit)) return false;
            length = length * 10 + (digit - '0');
        }

        if (length > 128) return false;
        network = new Ipv6Network(address, length);
        hostBits = network.Address != address;
        return true;
    }

    /// <exception cref="FormatException">The text is not a strict prefix.</exception>
    public static Ipv6Network Parse(string text) =>
        TryParse(text, out var network) ? network : throw new FormatException($"'{text}' is not an IPv6 network");

    public int CompareTo(Ipv6Network other) =>
        Address != other.Address ? Address.CompareTo(other.Address) : Length.CompareTo(other.Length);

    public static bool operator <(Ipv6Network left, Ipv6Network right) => left.CompareTo(right) < 0;
    public static bool operator >(Ipv6Network left, Ipv6Network right) => left.CompareTo(right) > 0;
    public static bool operator <=(Ipv6Network left, Ipv6Network right) => left.CompareTo(right) <= 0;
    public static bool operator >=(Ipv6Network left, Ipv6Network right) => left.CompareTo(right) >= 0;

    /// <summary>RFC 5952 with hexadecimal groups only, as Go writes the addresses in flannel's keys. <see cref="IPAddress"/> writes the
    /// last two groups of some of them as a dotted quad (<c>fe80::5efe:1.2.3.4</c>), which would be another key.</summary>
    public static string FormatAddress(UInt128 address)
    {
        var zeros = LongestZeroRun(address);
        var text = new StringBuilder(39);
        for (var group = 0; group < Groups; group++)
        {
            if (group == zeros.Start)
            {
                text.Append("::");
                group += zeros.Count - 1;
                continue;
            }

            if (text.Length > 0 && text[^1] != ':') text.Append(':');
            text.Append(CultureInfo.InvariantCulture, $"{Group(address, group):x}");
        }

        return text.ToString();
    }

    /// <summary>The first of the longest runs of two or more groups that are zero; starts at -1 if there is none.</summary>
    private static ZeroRun LongestZeroRun(UInt128 address)
    {
        var longest = new ZeroRun(-1, 1);
        for (int group = 0, count = 0; group < Groups; group++)
        {
            count = Group(address, group) == 0 ? count + 1 : 0;
            if (count > longest.Count) longest = new ZeroRun(group - count + 1, count);
        }

        return longest;
    }

    private readonly record struct ZeroRun(int Start, int Count);

    private static ushort Group(UInt128 address, int index) => (ushort)(address >> (16 * (Groups - 1 - index)));

    public override string ToString() => ToString('/');

    public string ToString(char separator) => $"{FormatAddress(Address)}{separator}{Length}";

    private static UInt128 Mask(int length) => length == 0 ? UInt128.Zero : UInt128.MaxValue << (128 - length);
}
