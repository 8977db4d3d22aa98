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

    /// <summary><c>FLANNEL_TEST_VALUES=n</c> limits the values of each property: <c>./build.sh mutate</c> runs each test many
    /// times.</summary>
    private static readonly int MaxValues =
        int.TryParse(Environment.GetEnvironmentVariable("FLANNEL_TEST_VALUES"), CultureInfo.InvariantCulture, out var values)
            ? values
            : int.MaxValue;

    /// <returns>How many values were generated.</returns>
    public static int Always<T>(this Gen<T> values, Action<T> property, int times = 10_000)
    {
        var generator = new PCG(1, Seed);
        var count = Math.Min(times, MaxValues);
        for (var i = 0; i < count; i++)
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

        return count;
    }
}
