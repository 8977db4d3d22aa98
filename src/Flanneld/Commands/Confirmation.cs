using System.Text;
using Flannel.Core;
using Microsoft.Win32.SafeHandles;

namespace Flanneld.Commands;

/// <summary>Asks a person before a command changes something.</summary>
internal static class Confirmation
{
    private const int StandardInput = 0;

    /// <summary>Of a terminal, in bytes, as Linux limits it.</summary>
    private const int LongestLine = 4096;

    /// <summary>Asks on the terminal, and reads one line. The question goes to stderr, because stdout may be a pipe.</summary>
    /// <param name="question">One line with its question mark.</param>
    /// <param name="isConfirmed">Whether <c>--yes</c> is given: then nothing is asked.</param>
    /// <returns>Success if the answer is yes. Fails if it is another one, and if stdin is no terminal.</returns>
    public static async Task<Result<Unit>> AskAsync(string question, bool isConfirmed, CancellationToken cancellation)
    {
        if (isConfirmed) return Unit.Instance;
        if (Console.IsInputRedirected) return Result.Failure("nothing is changed without a confirmation: stdin is no terminal, use --yes");
        await Console.Error.WriteAsync($"{question} [y/N] ");
        // Not Console.In: it sets the terminal's mode, and cannot be cancelled. A terminal returns a line at once.
        using var handle = new SafeFileHandle(StandardInput, ownsHandle: false);
        await using var terminal = new FileStream(handle, FileAccess.Read, bufferSize: 0);
        var line = new byte[LongestLine];
        var length = await terminal.ReadAsync(line, CancellationToken.None).AsTask().WaitAsync(cancellation);
        return Encoding.UTF8.GetString(line, 0, length).Trim().ToUpperInvariant() is "Y" or "YES"
            ? Unit.Instance
            : Result.Failure("not confirmed; nothing is changed");
    }
}
