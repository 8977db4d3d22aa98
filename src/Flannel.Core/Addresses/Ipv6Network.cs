using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Flannel.Core.Addresses;

/// <summary>An IPv6 prefix. Only what reading flannel's configuration and the dual-stack keys of other nodes needs.</summary>
public readonly record struct Ipv6Network
{
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

    public UInt128 Last => Address | ~Mask(Length);

    public bool Contains(UInt128 address) => (address & Mask(Length)) == Address;

    public static bool TryParseAddress(ReadOnlySpan<char> text, out UInt128 address)
    {
        address = default;
        // IPAddress also reads scopes, brackets and ports; the field's form has none of them.
        if (text.IndexOfAny('%', '[', ']') >= 0 || !text.Contains(':')) return false;
        if (!IPAddress.TryParse(text, out var parsed) || parsed.AddressFamily != AddressFamily.InterNetworkV6) return false;
        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out _);
        address = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return true;
    }

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

    public static string FormatAddress(UInt128 address)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, address);
        return new IPAddress(bytes).ToString();
    }

    public override string ToString() => ToString('/');

    public string ToString(char separator) => $"{FormatAddress(Address)}{separator}{Length}";

    private static UInt128 Mask(int length) => length == 0 ? UInt128.Zero : UInt128.MaxValue << (128 - length);
}
