namespace Flannel.Core;

/// <summary>Error messages about files.</summary>
public static class FileError
{
    /// <summary>As in <c>cannot write /run/flannel/subnet.env: No space left on device</c>.</summary>
    /// <param name="action">What failed: <c>read</c>, <c>write</c>, <c>remove</c> or <c>lock</c>.</param>
    public static string Describe(string action, string path, Exception error) =>
        $"cannot {action} {Redaction.Path(path)}: {Reason(path, error)}";

    /// <summary>The message of an exception about a file. It quotes the path, so a path that is not printed gets another message.</summary>
    public static string Reason(string path, Exception error) => Redaction.IsPath(path) ? error.Message : error switch
    {
        PathTooLongException => "the name is too long",
        UnauthorizedAccessException => "access is denied",
        _ => "the file system rejects it",
    };
}
