using System.Globalization;

namespace Flannel.Simulation.Tests.Fuzzing;

/// <summary>Runs all decoders briefly with the same inputs each time. <c>./build.sh fuzz SECONDS</c> runs them longer with another seed,
/// which it prints.</summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private const ulong FixedSeed = 20_260_811;

    private static readonly double Seconds = Number("FLANNEL_FUZZ_SECONDS", 0);
    private static readonly ulong Seed = (ulong)Number("FLANNEL_FUZZ_SEED", FixedSeed);

    public static TheoryData<string> Names => [.. Targets.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_decoder_accepts_any_input(string name)
    {
        var target = Targets.All.Single(target => target.Name == name);
        var tried = target.Run(TimeSpan.FromSeconds(Seconds / Targets.All.Count), Seed, TestContext.Current.CancellationToken);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {tried} inputs, FLANNEL_FUZZ_SEED={Seed}"));
    }

    [Fact]
    public void A_decoder_that_throws_is_reported()
    {
        var broken = Target.OfText(
            "broken", text => Assert.False(text.StartsWith("10.24.5.0-", StringComparison.Ordinal) && !text.EndsWith('4')), "10.24.5.0-24");
        var failure = Assert.Throws<InvalidOperationException>(() =>
            broken.Run(TimeSpan.Zero, FixedSeed, TestContext.Current.CancellationToken));
        Assert.Contains("broken, seed", failure.Message, StringComparison.Ordinal);
    }

    private static double Number(string name, double otherwise) =>
        double.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
