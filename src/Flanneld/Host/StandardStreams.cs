using Flannel.Core;

namespace Flanneld.Host;

/// <summary>Standard input, output and error.</summary>
internal static class StandardStreams
{
    private const int StandardOutput = 1;
    private const int StandardError = 2;

    /// <summary>Whether the program that reads the output has ended, as in <c>flanneld routes --watch | head -1</c>. .NET ignores the
    /// error of writing to such a pipe.</summary>
    public static bool IsOutputUnread()
    {
        var output = new Posix.PollDescriptor(StandardOutput, Events: 0, Reported: 0);
        return Posix.Poll(ref output, 1, 0) > 0 && (output.Reported & (Posix.PollError | Posix.PollHangUp)) != 0;
    }

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
