using Flannel.Core;

namespace Flanneld.Host;

/// <summary>Standard input, output and error.</summary>
internal static class StandardStreams
{
    private const int StandardError = 2;

    /// <summary>Opens /dev/null in place of each closed stream, as Go's runtime does. Otherwise the next file or socket gets its number,
    /// and log lines are written into it.</summary>
    public static void OpenClosed()
    {
        for (var descriptor = 0; descriptor <= StandardError; descriptor++)
        {
            // open(2) returns the lowest free number, which is this one.
            if (Posix.Control(descriptor, Posix.GetDescriptorFlags) < 0) _ = Posix.Open("/dev/null", Posix.ReadWrite, 0);
        }
    }
}
