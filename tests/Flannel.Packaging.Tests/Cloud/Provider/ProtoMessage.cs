using System.Text;

namespace Flannel.Packaging.Tests.Cloud.Provider;

/// <summary>A message of protocol buffers as its fields, without a compiled definition.</summary>
internal sealed class ProtoMessage
{
    private readonly List<byte> bytes = [];

    public byte[] ToArray() => [.. bytes];

    public ProtoMessage With(int field, byte[] value)
    {
        Varint((ulong)field << 3 | 2);
        Varint((ulong)value.Length);
        bytes.AddRange(value);
        return this;
    }

    public ProtoMessage With(int field, string value) => With(field, Encoding.UTF8.GetBytes(value));

    public ProtoMessage With(int field, ProtoMessage value) => With(field, value.ToArray());

    public ProtoMessage With(int field, long value)
    {
        Varint((ulong)field << 3);
        Varint((ulong)value);
        return this;
    }

    public ProtoMessage With(int field, bool value) => value ? With(field, 1) : this;

    /// <summary>The last value of a field of bytes, text or a message; null without the field.</summary>
    public static byte[]? Field(ReadOnlySpan<byte> message, int wanted)
    {
        byte[]? found = null;
        while (!message.IsEmpty)
        {
            var key = Varint(ref message);
            var length = (key & 7) switch
            {
                0 => -1,
                1 => 8,
                2 => (int)Varint(ref message),
                5 => 4,
                var type => throw new FormatException($"wire type {type}"),
            };
            if (length < 0)
            {
                Varint(ref message);
                continue;
            }
            if ((int)(key >> 3) == wanted) found = message[..length].ToArray();
            message = message[length..];
        }

        return found;
    }

    public static string Text(ReadOnlySpan<byte> message, int field) => Encoding.UTF8.GetString(Field(message, field) ?? []);

    private static ulong Varint(ref ReadOnlySpan<byte> message)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var part = message[0];
            message = message[1..];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80) return value;
        }
    }

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
    }
}
