using System.Globalization;

namespace Flannel.Core.Addresses;

/// <summary>An Ethernet address (EUI-48) as a number. Its text form is that of Go's <c>net.HardwareAddr</c>: lower case with
/// colons.</summary>
public readonly record struct MacAddress(ulong Value)
{
    private const int Bytes = 6;
    private const ulong Mask = (1UL << (Bytes * 8)) - 1;

    // The lowest bits of the first byte: group address, and locally administered.
    private const ulong Group = 1UL << 40;
    private const ulong Local = 1UL << 41;

    /// <summary>True for an address that one interface can have: neither a group address nor 00:00:00:00:00:00.</summary>
    public bool IsUnicast => Value != 0 && (Value & Group) == 0;

    /// <summary>A random unicast address, locally administered, as upstream creates it (<c>pkg/mac/mac.go</c>).</summary>
    public static MacAddress CreateLocal(Random random) =>
        new(((ulong)random.NextInt64(long.MaxValue) & Mask & ~Group) | Local);

    /// <summary>Reads the forms that Go's <c>net.ParseMAC</c> reads: <c>0e:aa:bb:cc:dd:02</c>, the same with hyphens, and
    /// <c>0eaa.bbcc.dd02</c>. Upper and lower case.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out MacAddress address)
    {
        address = default;
        if (text.Length is not (17 or 14)) return false;
        var (separator, digits) = text.Length == 17 ? (text[2], 2) : ('.', 4);
        if (text.Length == 17 && separator is not (':' or '-')) return false;
        ulong value = 0;
        for (var at = 0; at < text.Length; at += digits + 1)
        {
            if (at > 0 && text[at - 1] != separator) return false;
            if (!ushort.TryParse(text.Slice(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var part))
                return false;
            value = value << (digits * 4) | part;
        }

        address = new MacAddress(value);
        return true;
    }

    /// <exception cref="FormatException">The text is not an Ethernet address.</exception>
    public static MacAddress Parse(string text) =>
        TryParse(text, out var address) ? address : throw new FormatException($"'{text}' is not an Ethernet address");

    public override string ToString() =>
        $"{Value >> 40 & 255:x2}:{Value >> 32 & 255:x2}:{Value >> 24 & 255:x2}"
        + $":{Value >> 16 & 255:x2}:{Value >> 8 & 255:x2}:{Value & 255:x2}";
}
