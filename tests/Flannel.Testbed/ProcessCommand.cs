namespace Flannel.Testbed;

/// <summary>What a command that ran to its end said.</summary>
public sealed record CommandResult(int ExitCode, string Output, string Error);

/// <summary>Commands that are run to their end.</summary>
public static class ProcessCommand
{
    private static readonly TimeSpan limit = TimeSpan.FromSeconds(60);

    /// <param name="limit">How long it may take; null for a minute.</param>
    public static async Task<CommandResult> TryRunAsync(ProgramStart start, CancellationToken cancel, string? input = null, TimeSpan? limit = null)
    {
        await using var process = await ChildProcess.StartAsync(start);
        if (input is not null)
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancel);
        }
        process.StandardInput.Close();
        var exitCode = await process.WaitForExitAsync(cancel, limit ?? ProcessCommand.limit);
        return new CommandResult(exitCode, process.StandardOutput, process.StandardError);
    }

    /// <exception cref="TestbedException">It failed; the message carries the command and what it printed.</exception>
    public static async Task<string> RunAsync(ProgramStart start, CancellationToken cancel, string? input = null, TimeSpan? limit = null)
    {
        var result = await TryRunAsync(start, cancel, input, limit);
        return result.ExitCode == 0 ? result.Output : throw new TestbedException(
            $"{start.Program} {string.Join(' ', start.Arguments)}: exit code {result.ExitCode}\n{input}{result.Output}{result.Error}");
    }
}
