namespace Flanneld;

/// <summary>The line by which an operator recognizes a bug of this program. All bugs have the same words.</summary>
internal static class InternalError
{
    /// <param name="what">Which part, and what became of it.</param>
    public static string Line(string what) => $"a fault of this program: {what}; please report it with these lines";

    /// <param name="bug">What nothing in the program has handled.</param>
    public static string Line(Exception bug) => bug is PartFailedException part ? part.Message : Line("an unhandled exception");
}

/// <summary>A part of the daemon failed.</summary>
/// <param name="name">Of the part.</param>
internal sealed class PartFailedException(string name, Exception failure)
    : Exception(InternalError.Line($"{name} failed"), failure);
