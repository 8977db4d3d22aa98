namespace Flannel.Core.Addresses;

/// <summary>A prefix of either family, for code that treats both in the same way. A value never has bits beyond its length. Prefixes of
/// different families never contain or overlap each other.</summary>
public readonly record struct IpNetwork : IComparable<IpNetwork>
{
    /// <param name="address">Any address inside; bits beyond <paramref name="length"/> are cleared.</param>
    /// <param name="length">0 to the number of bits of the address.</param>
    public IpNetwork(IpAddress address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, address.Bits);
        Address = Clear(address, length);
        Length = length;
    }

    public IpAddress Address { get; }

    /// <summary>The prefix length in bits.</summary>
    public int Length { get; }

    /// <summary>The last address inside.</summary>
    public IpAddress Last => new(Address.Value | (UInt128.MaxValue >> (128 - Address.Bits) & ~Mask(Address, Length)), IsV6);

    public bool IsV6 => Address.IsV6;

    /// <summary>Null for an IPv6 prefix.</summary>
    public Ipv4Network? Ipv4 => IsV6 ? null : new Ipv4Network(new Ipv4Address((uint)Address.Value), Length);

    /// <summary>Null for an IPv4 prefix.</summary>
    public Ipv6Network? Ipv6 => IsV6 ? new Ipv6Network(Address.Value, Length) : null;

    public static implicit operator IpNetwork(Ipv4Network network) => new(network.Address, network.Length);

    public static implicit operator IpNetwork(Ipv6Network network) => new(IpAddress.V6(network.Address), network.Length);

    public bool Contains(IpAddress address) => address.IsV6 == IsV6 && Clear(address, Length) == Address;

    public bool Contains(IpNetwork other) => other.Length >= Length && Contains(other.Address);

    public bool Overlaps(IpNetwork other) => Contains(other.Address) || other.Contains(Address);

    /// <summary>Strict: no host bits; a length is required.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpNetwork network)
    {
        if (Ipv4Network.TryParse(text, out var v4))
        {
            network = v4;
            return true;
        }

        var isV6 = Ipv6Network.TryParse(text, out var v6);
        network = isV6 ? v6 : default;
        return isV6;
    }

    /// <exception cref="FormatException">The text is not a strict prefix.</exception>
    public static IpNetwork Parse(string text) =>
        TryParse(text, out var network) ? network : throw new FormatException($"'{text}' is not an IP network");

    /// <summary>IPv4 first, then by address and length.</summary>
    public int CompareTo(IpNetwork other)
    {
        if (IsV6 != other.IsV6) return IsV6.CompareTo(other.IsV6);
        return Address != other.Address ? Address.Value.CompareTo(other.Address.Value) : Length.CompareTo(other.Length);
    }

    public static bool operator <(IpNetwork left, IpNetwork right) => left.CompareTo(right) < 0;
    public static bool operator >(IpNetwork left, IpNetwork right) => left.CompareTo(right) > 0;
    public static bool operator <=(IpNetwork left, IpNetwork right) => left.CompareTo(right) <= 0;
    public static bool operator >=(IpNetwork left, IpNetwork right) => left.CompareTo(right) >= 0;

    public override string ToString() => $"{Address}/{Length}";

    private static IpAddress Clear(IpAddress address, int length) => new(address.Value & Mask(address, length), address.IsV6);

    /// <summary>A shift by all bits is a shift by none in C#.</summary>
    private static UInt128 Mask(IpAddress address, int length) =>
        length == 0 ? UInt128.Zero : UInt128.MaxValue << (address.Bits - length);
}
