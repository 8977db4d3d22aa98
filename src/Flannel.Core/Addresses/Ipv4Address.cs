using System.Net;

namespace Flannel.Core.Addresses;

/// <summary>An IPv4 address as a number in host order. Its text form is strict: four decimal parts without leading zeros, as in Go's
/// <c>net.ParseIP</c>; <see cref="IPAddress"/> reads <c>010</c> as octal.</summary>
public readonly record struct Ipv4Address(uint Value) : IComparable<Ipv4Address>
{
    /// <summary>0.0.0.0, which means "not given" in flannel's configuration.</summary>
    public static Ipv4Address Any => default;

    public static bool TryParse(ReadOnlySpan<char> text, out Ipv4Address address)
    {
        address = default;
        uint value = 0;
        var parts = 0;
        var position = 0;
        while (true)
        {
            var start = position;
            uint part = 0;
            while (position < text.Length && char.IsAsciiDigit(text[position]) && position - start < 3)
            {
                part = part * 10 + (uint)(text[position] - '0');
                position++;
            }

            var digits = position - start;
            if (digits == 0 || part > 255 || (digits > 1 && text[start] == '0')) return false;
            value = value << 8 | part;
            parts++;
            if (parts == 4) break;
            if (position >= text.Length || text[position] != '.') return false;
            position++;
        }

        if (position != text.Length) return false;
        address = new Ipv4Address(value);
        return true;
    }

    /// <exception cref="FormatException">The text is not a strict dotted quad.</exception>
    public static Ipv4Address Parse(string text) =>
        TryParse(text, out var address) ? address : throw new FormatException($"'{text}' is not an IPv4 address");

    public static bool TryFrom(IPAddress address, out Ipv4Address result)
    {
        result = default;
        Span<byte> bytes = stackalloc byte[4];
        if (address.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork || !address.TryWriteBytes(bytes, out _)) return false;
        result = new Ipv4Address(System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes));
        return true;
    }

    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, Value);
        return new IPAddress(bytes);
    }

    public int CompareTo(Ipv4Address other) => Value.CompareTo(other.Value);

    public static bool operator <(Ipv4Address left, Ipv4Address right) => left.Value < right.Value;
    public static bool operator >(Ipv4Address left, Ipv4Address right) => left.Value > right.Value;
    public static bool operator <=(Ipv4Address left, Ipv4Address right) => left.Value <= right.Value;
    public static bool operator >=(Ipv4Address left, Ipv4Address right) => left.Value >= right.Value;

    public override string ToString() => $"{Value >> 24}.{Value >> 16 & 255}.{Value >> 8 & 255}.{Value & 255}";
}
