namespace Flannel.Core.Addresses;

/// <summary>An address of either family, for code that treats both in the same way.</summary>
/// <param name="Value">As a number in host order.</param>
public readonly record struct IpAddress(UInt128 Value, bool IsV6)
{
    /// <summary>The number of bits of an address: 32 or 128.</summary>
    public int Bits => IsV6 ? 128 : 32;

    public static IpAddress V6(UInt128 value) => new(value, IsV6: true);

    public static implicit operator IpAddress(Ipv4Address address) => new(address.Value, IsV6: false);

    public static bool TryParse(ReadOnlySpan<char> text, out IpAddress address)
    {
        if (Ipv4Address.TryParse(text, out var v4))
        {
            address = v4;
            return true;
        }

        var isV6 = Ipv6Network.TryParseAddress(text, out var v6);
        address = isV6 ? V6(v6) : default;
        return isV6;
    }

    /// <exception cref="FormatException">The text is no address.</exception>
    public static IpAddress Parse(string text) =>
        TryParse(text, out var address) ? address : throw new FormatException($"'{text}' is not an IP address");

    public override string ToString() => IsV6 ? Ipv6Network.FormatAddress(Value) : new Ipv4Address((uint)Value).ToString();
}
