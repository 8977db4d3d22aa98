using System.Globalization;
using CsCheck;

namespace Flannel.Core.Tests;

/// <summary>Checks a property of generated values. The values are always the same, so that a failure is reproducible.</summary>
internal static class Property
{
    private const ulong FixedSeed = 20_260_810;

    /// <summary><c>FLANNEL_TEST_SEED=n</c> tries other values.</summary>
    private static readonly ulong Seed =
        ulong.TryParse(Environment.GetEnvironmentVariable("FLANNEL_TEST_SEED"), CultureInfo.InvariantCulture, out var seed)
            ? seed
            : FixedSeed;

    public static void Always<T>(this Gen<T> values, Action<T> property, int times = 10_000)
    {
        var generator = new PCG(1, Seed);
        for (var i = 0; i < times; i++)
        {
            var state = generator.ToString();
            var value = values.Generate(generator, null, out _);
            try
            {
                property(value);
            }
            catch (Exception e)
            {
                // CsCheck starts from the state that failed, searches for a smaller value that fails too, and throws with both.
                values.Sample(property, seed: state, iter: 5_000, threads: 1);
                throw new InvalidOperationException($"FLANNEL_TEST_SEED={Seed}, CsCheck seed {state}, value {i}: {value}", e);
            }
        }
    }
}
