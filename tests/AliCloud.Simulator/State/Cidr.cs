using System.Globalization;

namespace AliCloud.Simulator.State;

/// <summary>An IPv4 range without host bits, as the API writes it.</summary>
internal readonly record struct Cidr(uint Address, int Length)
{
    public static readonly Cidr Service = new(0x64400000, 10); // 100.64.0.0/10: the cloud's own services

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

    /// <exception cref="FormatException">Not a range, or host bits are set.</exception>
    public static Cidr Parse(string text) =>
        TryParse(text, out var cidr, out var hasHostBits)
            && !hasHostBits ? cidr : throw new FormatException($"'{text}' is not an IPv4 range");

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

    public bool Contains(Cidr other) => Length <= other.Length && (other.Address & Mask(Length)) == Address;

    public bool Contains(uint address) => (address & Mask(Length)) == Address;

    public static string Write(uint address) => $"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}";

    public string Netmask => Write(Mask(Length));

    public uint Last => Address | ~Mask(Length);

    public override string ToString() => $"{Write(Address)}/{Length}";

    private static uint Mask(int length) => length == 0 ? 0 : uint.MaxValue << (32 - length);

    private static bool TryParseNumber(string text, int max, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= max
            && (text.Length == 1 || text[0] != '0');
}
