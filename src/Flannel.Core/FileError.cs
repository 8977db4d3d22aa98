namespace Flannel.Core;

/// <summary>Error messages about files.</summary>
public static class FileError
{
    /// <summary>As in <c>cannot write /run/flannel/subnet.env: No space left on device</c>.</summary>
    /// <param name="action">What failed: <c>read</c>, <c>write</c>, <c>remove</c> or <c>lock</c>.</param>
    public static string Describe(string action, string path, Exception error) =>
        $"cannot {action} {Redaction.Path(path)}: {Reason(path, error)}";

    /// <summary>Why an operation on a file failed, without the path: the line around it names it once.</summary>
    public static string Reason(string path, Exception error) => error switch
    {
        PathTooLongException => "the name is too long",
        UnauthorizedAccessException => "access is denied",
        FileNotFoundException => "it does not exist",
        DirectoryNotFoundException => "its folder does not exist",
        _ when Redaction.IsPath(path) => WithoutPath(path, error.Message),
        _ => "the file system rejects it",
    };

    /// <summary>.NET writes <c>No space left on device : '/run/x'</c> and <c>The file '/run/x' already exists.</c>. A path of another file
    /// stays.</summary>
    private static string WithoutPath(string path, string message) => message
        .Replace($" : '{path}'", "", StringComparison.Ordinal).Replace($" '{path}'", "", StringComparison.Ordinal).TrimEnd('.');
}
