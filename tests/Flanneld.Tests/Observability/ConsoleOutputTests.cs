using System.Text;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Tests.Observability;

public sealed class ConsoleOutputTests
{
    [Fact]
    public void Disposing_writes_all_lines_in_order()
    {
        using var stream = new MemoryStream();
        using (var output = new ConsoleOutput(new SystemdLineFormatter(), WriterOf(stream)))
        {
            for (var i = 0; i < 100; i++) output.Write(Line($"line {i}"));
        }

        var expected = Enumerable.Range(0, 100).Select(i => $"<6>any[1] line {i}\n");
        Assert.Equal(string.Concat(expected), Encoding.UTF8.GetString(stream.ToArray()));
    }

    [Fact]
    public void A_line_that_cannot_be_written_does_not_end_the_log()
    {
        using var stream = new FullDisk();
        using (var output = new ConsoleOutput(new SystemdLineFormatter(), WriterOf(stream)))
        {
            output.Write(Line("lost"));
            output.Write(Line("kept"));
        }

        Assert.Equal("<6>any[1] kept\n", Encoding.UTF8.GetString(stream.ToArray()));
    }

    [Fact]
    public void Lines_that_no_process_reads_are_counted_and_do_not_block()
    {
        using var stream = new BlockedPipe();
        using (var output = new ConsoleOutput(new SystemdLineFormatter(), WriterOf(stream)))
        {
            for (var i = 0; i < ConsoleOutput.MaxWaiting + 5; i++) output.Write(Line("line"));
            stream.Open();
        }

        var lines = Encoding.UTF8.GetString(stream.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(ConsoleOutput.MaxWaiting + 1, lines.Length);
        Assert.Equal("<4>flanneld[1036] log lines lost, number 5: standard error was not read", lines[^1]);
    }

    private static StreamWriter WriterOf(Stream stream) => new(stream, leaveOpen: true) { AutoFlush = true };

    private static LogLine Line(string text) => new("any", LogLevel.Information, new EventId(1, "Any"), text, [], null);

    /// <summary>Fails the first write.</summary>
    private sealed class FullDisk : MemoryStream
    {
        private bool hasFailed;

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (!hasFailed)
            {
                hasFailed = true;
                throw new IOException("No space left on device");
            }

            base.Write(buffer);
        }
    }

    /// <summary>Blocks each write until it is opened.</summary>
    private sealed class BlockedPipe : MemoryStream
    {
        private readonly ManualResetEventSlim opened = new();

        public void Open() => opened.Set();

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            opened.Wait();
            base.Write(buffer);
        }

        protected override void Dispose(bool disposing)
        {
            opened.Dispose();
            base.Dispose(disposing);
        }
    }
}
