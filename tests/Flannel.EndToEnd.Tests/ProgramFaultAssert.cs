namespace Flannel.EndToEnd.Tests;

/// <summary>What every run of the daemon and its commands is held to.</summary>
internal static class ProgramFaultAssert
{
    /// <summary>The parts of the text of <c>Flanneld.Host.InternalError</c>: each part alone is searched, so that a change of one of them
    /// does not disable the check.</summary>
    private static readonly string[] Words = ["please report", "internal error"];

    public static void None(string log) => Assert.All(Words, words => Assert.DoesNotContain(words, log, StringComparison.OrdinalIgnoreCase));
}
