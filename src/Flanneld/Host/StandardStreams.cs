namespace Flanneld.Host;

/// <summary>Standard input, output and error.</summary>
internal static class StandardStreams
{
    private const int Last = 2;

    /// <summary>Opens /dev/null where one of them is closed, as Go's runtime does. Else the next file or socket that is opened would get
    /// its number, and log lines would be written into it.</summary>
    public static void OpenClosed()
    {
        for (var descriptor = 0; descriptor <= Last; descriptor++)
        {
            // The lowest free number is given out: this one.
            if (Posix.Control(descriptor, Posix.GetDescriptorFlags) < 0) _ = Posix.Open("/dev/null", Posix.ReadWrite, 0);
        }
    }
}
