namespace Flannel.HostNetwork;

/// <summary>Files that describe the kernel, such as those below <c>/proc</c> and <c>/sys</c>.</summary>
public static class KernelFile
{
    /// <summary>Null if the file does not exist or cannot be read.</summary>
    public static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
