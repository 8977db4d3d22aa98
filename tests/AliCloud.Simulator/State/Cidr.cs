using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace AliCloud.Simulator.State;

/// <summary>An IPv4 or IPv6 range without host bits, as the API writes it. Ranges of different families never contain each other.</summary>
internal readonly record struct Cidr
{
    public static readonly Cidr Service = new(0x64400000, 10); // 100.64.0.0/10: the cloud's own services

    private readonly UInt128 address;

    /// <summary>An IPv4 range.</summary>
    public Cidr(uint address, int length) : this(address, length, isIpv6: false)
    {
    }

    private Cidr(UInt128 address, int length, bool isIpv6) => (this.address, Length, IsIpv6) = (address, length, isIpv6);

    public int Length { get; }

    public bool IsIpv6 { get; }

    /// <summary>Of an IPv4 range.</summary>
    public string Netmask => Write(Mask(Length));

    /// <summary>Of an IPv4 range.</summary>
    public uint Last => (uint)address | ~Mask(Length);

    /// <summary>An IPv4 range.</summary>
    public static bool TryParse(string text, out Cidr cidr, out bool hasHostBits)
    {
        cidr = default;
        hasHostBits = false;
        var parts = text.Split('/');
        if (parts.Length != 2 || !TryParseAddress(parts[0], out var address) || !TryParseNumber(parts[1], 32, out var length)) return false;
        hasHostBits = (address & ~Mask(length)) != 0;
        cidr = new Cidr(address & Mask(length), length);
        return true;
    }

    /// <summary>An IPv6 range; the length is required.</summary>
    public static bool TryParseIpv6(string text, out Cidr cidr, out bool hasHostBits)
    {
        cidr = default;
        hasHostBits = false;
        var parts = text.Split('/');
        if (parts.Length != 2 || !TryParseIpv6Address(parts[0], out var address) || !TryParseNumber(parts[1], 128, out var length))
            return false;
        hasHostBits = (address & ~Mask128(length)) != 0;
        cidr = new Cidr(address & Mask128(length), length, isIpv6: true);
        return true;
    }

    /// <exception cref="FormatException">Not an IPv4 range, or host bits are set.</exception>
    public static Cidr Parse(string text) =>
        TryParse(text, out var cidr, out var hasHostBits)
            && !hasHostBits ? cidr : throw new FormatException($"'{text}' is not an IPv4 range");

    /// <exception cref="FormatException">Not an IPv6 range, or host bits are set.</exception>
    public static Cidr ParseIpv6(string text) =>
        TryParseIpv6(text, out var cidr, out var hasHostBits)
            && !hasHostBits ? cidr : throw new FormatException($"'{text}' is not an IPv6 range");

    public static bool TryParseAddress(string text, out uint address)
    {
        address = 0;
        var parts = text.Split('.');
        if (parts.Length != 4) return false;
        foreach (var part in parts)
        {
            if (!TryParseNumber(part, 255, out var number)) return false;
            address = address << 8 | (uint)number;
        }

        return true;
    }

    public static bool TryParseIpv6Address(string text, out UInt128 address)
    {
        address = default;
        // IPAddress also accepts scopes, brackets and IPv4.
        if (text.AsSpan().ContainsAny('%', '[', ']') || !text.Contains(':', StringComparison.Ordinal)) return false;
        if (!IPAddress.TryParse(text, out var parsed) || parsed.AddressFamily != AddressFamily.InterNetworkV6) return false;
        address = BinaryPrimitives.ReadUInt128BigEndian(parsed.GetAddressBytes());
        return true;
    }

    public bool Contains(Cidr other)
    {
        if (IsIpv6 != other.IsIpv6 || Length > other.Length) return false;
        return IsIpv6 ? (other.address & Mask128(Length)) == address : Contains((uint)other.address);
    }

    /// <summary>For an IPv4 range.</summary>
    public bool Contains(uint ipv4) => (ipv4 & Mask(Length)) == address;

    /// <summary>For an IPv6 range.</summary>
    public bool Contains(UInt128 ipv6) => (ipv6 & Mask128(Length)) == address;

    public static string Write(uint address) => $"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}";

    public static string WriteIpv6(UInt128 address)
    {
        var bytes = new byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, address);
        return new IPAddress(bytes).ToString();
    }

    public override string ToString() => $"{(IsIpv6 ? WriteIpv6(address) : Write((uint)address))}/{Length}";

    private static uint Mask(int length) => length == 0 ? 0 : uint.MaxValue << (32 - length);

    private static UInt128 Mask128(int length) => length == 0 ? UInt128.Zero : UInt128.MaxValue << (128 - length);

    private static bool TryParseNumber(string text, int max, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= max
            && (text.Length == 1 || text[0] != '0');
}
