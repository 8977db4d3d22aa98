using System.Globalization;
using System.Text;
using CsCheck;
using Flannel.Core.Tests;

namespace Flannel.Simulation.Tests.Fuzzing;

/// <summary>A decoder of external input. It must accept any input: any exception is a failure.</summary>
/// <param name="Decode">Calls the decoder, and throws if its result is inconsistent.</param>
/// <param name="Words">Tokens of the format, and complete valid values.</param>
internal sealed record Target(string Name, Action<byte[]> Decode, params string[] Words)
{
    public static Target OfText(string name, Action<string> decode, params string[] words) =>
        new(name, bytes => decode(Encoding.UTF8.GetString(bytes)), words);

    /// <returns>The number of inputs.</returns>
    public long Run(TimeSpan time, ulong seed, CancellationToken cancellation)
    {
        var chance = new PCG(1, seed);
        var values = Gen.OneOf(Hostile.Bytes(Words), Mutated());
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var tried = 0L;
        while (clock.Elapsed < time || tried < 2_000)
        {
            cancellation.ThrowIfCancellationRequested();
            var state = chance.ToString();
            var bytes = values.Generate(chance, null, out _);
            tried++;
            try
            {
                Decode(bytes);
            }
            catch (Exception e)
            {
                // CsCheck starts with the failed input and searches for a smaller one.
                var smallest = "";
                try
                {
                    values.Sample(Decode, seed: state, iter: 20_000, threads: 1);
                }
                catch (CsCheckException found)
                {
                    smallest = found.Message;
                }

                throw new InvalidOperationException(
                    string.Create(CultureInfo.InvariantCulture,
                        $"{Name}, seed {seed}, input {tried}: {Convert.ToHexString(bytes)}\n{Encoding.UTF8.GetString(bytes)}\n{smallest}"),
                        e);
            }
        }

        return tried;
    }

    /// <summary>Valid values with several mutations: bytes changed, parts deleted, duplicated, or inserted from another value.</summary>
    private Gen<byte[]> Mutated() =>
        Gen.OneOf(Words).Select(Gen.OneOf(Words), Gen.Int.Array[1, 12], (one, other, steps) =>
        {
            var bytes = Encoding.UTF8.GetBytes(one).ToList();
            var second = Encoding.UTF8.GetBytes(other);
            foreach (var step in steps)
            {
                var at = (int)((uint)step / 8 % (uint)(bytes.Count + 1));
                var length = Math.Min(bytes.Count - at, (step >>> 20) % 16);
                switch (step & 7)
                {
                    case 0 or 1 when at < bytes.Count: bytes[at] = (byte)(step >>> 12); break;
                    case 2: bytes.RemoveRange(at, length); break;
                    case 3: bytes.InsertRange(at, bytes.GetRange(at, length)); break;
                    case 4: bytes.InsertRange(at, second.Take((step >>> 16) % (second.Length + 1))); break;
                    case 5: bytes.InsertRange(at, "\\ud800"u8.ToArray()); break;
                    case 6 when at < bytes.Count: bytes[at] ^= (byte)(1 << ((step >>> 12) & 7)); break;
                    default: bytes.Insert(at, (byte)"{}[]\",:0-\\\n /&="[(step >>> 12) % 15]); break;
                }
            }

            return bytes.ToArray();
        });
}
