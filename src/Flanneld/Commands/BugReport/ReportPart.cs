using Flannel.Core;
using Flanneld.Host;

namespace Flanneld.Commands.BugReport;

/// <summary>A part of the report.</summary>
/// <param name="Title">In the line above it.</param>
/// <param name="Limit">How long reading it may take.</param>
internal sealed record ReportPart(string Title, TimeSpan Limit, Func<CancellationToken, Task<Result<string>>> Read)
{
    // Far more than 500 lines of a log.
    private const int MaxCharacters = 1 << 20;

    /// <summary>The end of a part that is too long is shown, rather than its beginning: of a log, it is the last hours.</summary>
    public bool KeepsEnd { get; init; }

    /// <summary>Never fails: a part that cannot be read says why, and the others are read.</summary>
    public async Task<string> ReadAsync(TimeProvider time, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            // Without the delay, a part that does not end when it is cancelled would stop the report.
            var reading = Task.Run(() => Read(either.Token), cancellation);
            var read = await reading.WaitAsync(Limit + TimeSpan.FromSeconds(1), time, cancellation);
            return read.Ok ? Shorten(ReportText.Of(read.Value)) : $"not read: {read.Error}\n";
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            return $"not read: it took longer than {Limit.TotalSeconds:0} s\n";
        }
#pragma warning disable CA1031 // A report about a fault must be complete in spite of the fault.
        catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
        {
            return $"not read: {InternalError.Line(e)}\n";
        }
    }

    private string Shorten(string text)
    {
        if (text.Length <= MaxCharacters) return text;
        var note = $"(shortened: {text.Length} characters)\n";
        return KeepsEnd ? note + text[^MaxCharacters..] : text[..MaxCharacters] + '\n' + note;
    }
}
