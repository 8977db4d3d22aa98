using System.Text;
using CsCheck;

namespace Flannel.Core.Tests;

/// <summary>Generates input for parsers of etcd's values and of files: random bytes, valid tokens in a wrong order, and valid values with a
/// few changed bytes.</summary>
internal static class Hostile
{
    private static readonly string[] Json =
    [
        "{", "}", "[", "]", ":", ",", "\"", "\\", " ", "\n", "null", "true", "false", "0", "-1", "24", "1e9", "99999999999",
        "\"\\ud800\"", "\"x\"", "\u0130",
    ];

    /// <param name="tokens">The format's; those of JSON are added.</param>
    public static Gen<byte[]> Bytes(params string[] tokens) => Gen.OneOf<byte[]>(
        Gen.Byte.Array[0, 80],
        Gen.OneOf([.. Json, .. tokens]).Array[0, 24].Select(parts => Encoding.UTF8.GetBytes(string.Concat(parts))),
        Damaged(tokens));

    public static Gen<string> Text(string alphabet, params string[] tokens) => Gen.OneOf<string>(
        Gen.Char[alphabet].Array[0, 24].Select(letters => new string(letters)),
        Gen.OneOf(tokens).Array[0, 6].Select(string.Concat),
        Damaged(tokens).Select(Encoding.Latin1.GetString));

    private static Gen<byte[]> Damaged(string[] tokens) =>
        Gen.OneOf(tokens).Select(Gen.Int[0, 2], Gen.Double.Unit, Gen.Byte, (token, kind, where, letter) =>
        {
            var bytes = Encoding.UTF8.GetBytes(token).ToList();
            var at = (int)(where * bytes.Count);
            if (kind == 0 || bytes.Count == 0) bytes.Insert(at, letter);
            else if (kind == 1) bytes[at] = letter;
            else bytes.RemoveRange(at, bytes.Count - at);
            return bytes.ToArray();
        });
}
