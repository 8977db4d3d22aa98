using Flannel.Testbed;

namespace Flannel.Demo;

/// <summary>Checks of the demo: a failed check ends it.</summary>
internal static class Verify
{
    /// <param name="expectation">The message if the condition is false.</param>
    public static void That(bool condition, string expectation)
    {
        if (!condition)
        {
            throw new TestbedException($"expected: {expectation}");
        }
    }
}
