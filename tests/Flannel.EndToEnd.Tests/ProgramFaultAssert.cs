namespace Flannel.EndToEnd.Tests;

/// <summary>What every run of the daemon and its commands is held to.</summary>
internal static class ProgramFaultAssert
{
    /// <summary>As <c>Flanneld.InternalError</c> writes them, whatever the bug is: each part alone is looked for, so that a change of one of
    /// them does not blind the guard.</summary>
    private static readonly string[] Words = ["a fault of this program", "please report", "internal error"];

    public static void None(string log) => Assert.All(Words, words => Assert.DoesNotContain(words, log, StringComparison.OrdinalIgnoreCase));
}
