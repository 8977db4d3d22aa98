using System.Buffers.Binary;
using System.Text;

namespace Flannel.Packaging.Tests.Cloud.Provider;

/// <summary>A value that Terraform knows after the apply only.</summary>
internal sealed class Unknown
{
    public static readonly Unknown Value = new();
}

/// <summary>The subset of MessagePack in which Terraform sends values to a provider: null, bool, long, double, string, List, Dictionary and
/// <see cref="Unknown"/> (docs/plugin-protocol/object-wire-format.md).</summary>
internal ref struct MessagePackReader(ReadOnlySpan<byte> data)
{
    private ReadOnlySpan<byte> rest = data;

    public object? Read()
    {
        var code = Take(1)[0];
        return code switch
        {
            0xc0 => null,
            0xc2 or 0xc3 => code == 0xc3,
            0xca => BinaryPrimitives.ReadSingleBigEndian(Take(4)),
            0xcb => BinaryPrimitives.ReadDoubleBigEndian(Take(8)),
            >= 0xcc and <= 0xcf => Unsigned(1 << (code - 0xcc)),
            >= 0xd0 and <= 0xd3 => Signed(1 << (code - 0xd0)),
            <= 0x7f => (long)code,
            >= 0xe0 => (long)(sbyte)code,
            >= 0xa0 and <= 0xbf => Text(code & 0x1f),
            >= 0xd9 and <= 0xdb => Text(Unsigned(1 << (code - 0xd9))),
            >= 0x90 and <= 0x9f => Items(code & 0xf),
            0xdc or 0xdd => Items(Unsigned(2 << (code - 0xdc))),
            >= 0x80 and <= 0x8f => Pairs(code & 0xf),
            0xde or 0xdf => Pairs(Unsigned(2 << (code - 0xde))),
            >= 0xd4 and <= 0xd8 => Extension(1 << (code - 0xd4)),
            >= 0xc7 and <= 0xc9 => Extension(Unsigned(1 << (code - 0xc7))),
            _ => throw new FormatException($"MessagePack type {code:x2}"),
        };
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        var taken = rest[..length];
        rest = rest[length..];
        return taken;
    }

    private long Unsigned(int size)
    {
        long value = 0;
        foreach (var part in Take(size)) value = value << 8 | part;
        return value;
    }

    private long Signed(int size) => Unsigned(size) << (64 - 8 * size) >> (64 - 8 * size);

    private string Text(long length) => Encoding.UTF8.GetString(Take((int)length));

    private List<object?> Items(long count)
    {
        var items = new List<object?>();
        for (var at = 0; at < count; at++) items.Add(Read());
        return items;
    }

    private Dictionary<string, object?> Pairs(long count)
    {
        var pairs = new Dictionary<string, object?>();
        for (var at = 0; at < count; at++) pairs.Add((string)Read()!, Read());
        return pairs;
    }

    private Unknown Extension(long length)
    {
        Take(1 + (int)length);
        return Unknown.Value;
    }
}

/// <summary>Writes what <see cref="MessagePackReader"/> reads.</summary>
internal static class MessagePackWriter
{
    public static byte[] Write(object? value)
    {
        var target = new List<byte>();
        Write(target, value);
        return [.. target];
    }

    private static void Write(List<byte> target, object? value)
    {
        switch (value)
        {
            case null: target.Add(0xc0); break;
            case bool truth: target.Add(truth ? (byte)0xc3 : (byte)0xc2); break;
            case long number: Number(target, 0xd3, number, 8); break;
            case float number: Number(target, 0xcb, BitConverter.DoubleToInt64Bits(number), 8); break;
            case double number: Number(target, 0xcb, BitConverter.DoubleToInt64Bits(number), 8); break;
            case Unknown: target.AddRange([0xd4, 0, 0]); break;
            case string text:
                var bytes = Encoding.UTF8.GetBytes(text);
                Number(target, 0xdb, bytes.Length, 4);
                target.AddRange(bytes);
                break;
            case List<object?> items:
                Number(target, 0xdd, items.Count, 4);
                items.ForEach(item => Write(target, item));
                break;
            case Dictionary<string, object?> pairs:
                Number(target, 0xdf, pairs.Count, 4);
                foreach (var (key, item) in pairs)
                {
                    Write(target, key);
                    Write(target, item);
                }
                break;
            default: throw new FormatException($"no MessagePack type for {value.GetType()}");
        }
    }

    private static void Number(List<byte> target, byte code, long value, int size)
    {
        target.Add(code);
        for (var shift = 8 * (size - 1); shift >= 0; shift -= 8) target.Add((byte)(value >> shift));
    }
}
