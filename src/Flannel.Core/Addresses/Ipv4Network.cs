namespace Flannel.Core.Addresses;

/// <summary>An IPv4 prefix such as 10.24.0.0/16. A value never has bits beyond its length.</summary>
public readonly record struct Ipv4Network : IComparable<Ipv4Network>
{
    /// <param name="address">Any address inside; bits beyond <paramref name="length"/> are cleared.</param>
    /// <param name="length">0 to 32.</param>
    public Ipv4Network(Ipv4Address address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, 32);
        Address = new Ipv4Address(address.Value & Mask(length));
        Length = length;
    }

    public Ipv4Address Address { get; }

    /// <summary>The prefix length in bits, 0 to 32.</summary>
    public int Length { get; }

    /// <summary>The last address inside.</summary>
    public Ipv4Address Last => new(Address.Value | ~Mask(Length));

    public bool Contains(Ipv4Address address) => (address.Value & Mask(Length)) == Address.Value;

    public bool Contains(Ipv4Network other) => other.Length >= Length && Contains(other.Address);

    public bool Overlaps(Ipv4Network other) => Contains(other.Address) || other.Contains(Address);

    /// <summary>Strict: no octal, no leading zero, no host bits (10.5.72.1/24 is not valid); a length is required.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Ipv4Network network) =>
        TryParse(text, '/', out network, out var hostBits) && !hostBits;

    /// <summary>The same with another separator, and host bits are accepted.</summary>
    /// <param name="network">Without the host bits.</param>
    /// <param name="hostBits">True if the text has bits beyond the length.</param>
    public static bool TryParse(ReadOnlySpan<char> text, char separator, out Ipv4Network network, out bool hostBits)
    {
        network = default;
        hostBits = false;
        var slash = text.IndexOf(separator);
        if (slash < 0 || !Ipv4Address.TryParse(text[..slash], out var address)) return false;
        var digits = text[(slash + 1)..];
        if (digits.Length is 0 or > 2 || (digits.Length == 2 && digits[0] == '0')) return false;
        var length = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiDigit(digit)) return false;
            length = length * 10 + (digit - '0');
        }

        if (length > 32) return false;
        network = new Ipv4Network(address, length);
        hostBits = network.Address != address;
        return true;
    }

    /// <exception cref="FormatException">The text is not a strict prefix.</exception>
    public static Ipv4Network Parse(string text) =>
        TryParse(text, out var network) ? network : throw new FormatException($"'{text}' is not an IPv4 network");

    public int CompareTo(Ipv4Network other) =>
        Address != other.Address ? Address.CompareTo(other.Address) : Length.CompareTo(other.Length);

    public static bool operator <(Ipv4Network left, Ipv4Network right) => left.CompareTo(right) < 0;
    public static bool operator >(Ipv4Network left, Ipv4Network right) => left.CompareTo(right) > 0;
    public static bool operator <=(Ipv4Network left, Ipv4Network right) => left.CompareTo(right) <= 0;
    public static bool operator >=(Ipv4Network left, Ipv4Network right) => left.CompareTo(right) >= 0;

    public override string ToString() => $"{Address}/{Length}";

    // A shift by 32 is a shift by 0 in C#.
    private static uint Mask(int length) => length == 0 ? 0 : uint.MaxValue << (32 - length);
}
