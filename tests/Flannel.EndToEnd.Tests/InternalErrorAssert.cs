namespace Flannel.EndToEnd.Tests;

/// <summary>Asserts that a log contains no internal error.</summary>
internal static class InternalErrorAssert
{
    /// <summary>Parts of the message of <c>Flanneld.Host.InternalError</c>. Each part is searched separately, so that the assertion still
    /// works after a change of one.</summary>
    private static readonly string[] Parts = ["please report", "internal error"];

    public static void None(string log) =>
        Assert.All(Parts, part => Assert.DoesNotContain(part, log, StringComparison.OrdinalIgnoreCase));
}
