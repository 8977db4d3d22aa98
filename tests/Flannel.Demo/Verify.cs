using Flannel.Testbed;

namespace Flannel.Demo;

/// <summary>What the demo says is checked: a sentence that is not true ends it.</summary>
internal static class Verify
{
    public static void That(bool kept, string sentence)
    {
        if (!kept)
        {
            throw new TestbedException(sentence);
        }
    }
}
