namespace Flanneld.Host;

/// <summary>The line that reports an internal error. All internal errors have the same text.</summary>
internal static class InternalError
{
    /// <param name="what">What failed.</param>
    public static string Line(string what) => $"internal error (please report): {what}";

    /// <param name="exception">An exception that nothing in the program has handled.</param>
    public static string Line(Exception exception) =>
        exception is BackgroundTaskFailedException failed ? failed.Message : Line("unhandled exception");
}
