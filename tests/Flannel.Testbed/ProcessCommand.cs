namespace Flannel.Testbed;

/// <summary>The exit code and the output of a command.</summary>
public sealed record CommandResult(int ExitCode, string Output, string Error);

/// <summary>Runs commands to their end.</summary>
public static class ProcessCommand
{
    private static readonly TimeSpan defaultLimit = TimeSpan.FromSeconds(60);

    /// <param name="limit">The time limit; null for one minute.</param>
    public static async Task<CommandResult> TryRunAsync(
        ProgramStart start, CancellationToken cancel, string? input = null, TimeSpan? limit = null)
    {
        await using var process = await ChildProcess.StartAsync(start);
        if (input is not null)
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancel);
        }
        process.StandardInput.Close();
        var exitCode = await process.WaitForExitAsync(cancel, limit ?? defaultLimit);
        return new CommandResult(exitCode, process.StandardOutput, process.StandardError);
    }

    /// <exception cref="TestbedException">The exit code is not 0; the message includes the command and its output.</exception>
    public static async Task<string> RunAsync(ProgramStart start, CancellationToken cancel, string? input = null, TimeSpan? limit = null)
    {
        var result = await TryRunAsync(start, cancel, input, limit);
        return result.ExitCode == 0 ? result.Output : throw new TestbedException(
            $"{start.Program} {string.Join(' ', start.Arguments)}: exit code {result.ExitCode}\n{input}{result.Output}{result.Error}");
    }
}
