using System.Text;
using CsCheck;
using Flannel.Kubernetes.Client.Http;

namespace Flannel.Kubernetes.Tests.Client.Http;

public class LineReaderTests
{
    /// <summary>Lines of any length, from bytes that arrive in parts of any size.</summary>
    [Fact]
    public Task Lines_are_those_of_the_text_without_its_last_part() =>
        Gen.Select(Gen.String[Gen.Char["ab\n"], 0, 60].List[0, 20], Gen.Int[0, 40_000], Gen.Int[1, 50_000])
            .SampleAsync(async (parts, longest, step) =>
            {
                var text = string.Concat(parts) + new string('x', longest) + "\n" + string.Concat(parts);
                Assert.Equal(text.Split('\n')[..^1], await ReadAsync(text, step, limit: 1 << 20));
            }, iter: 100);

    [Fact]
    public async Task A_line_at_the_limit_is_read_and_a_longer_one_is_an_error()
    {
        const int limit = 32 << 10;
        var line = new string('x', limit - 1);
        Assert.Equal([line, line], await ReadAsync($"{line}\n{line}\n", 1000, limit));
        await Assert.ThrowsAsync<ResponseTooLargeException>(() => ReadAsync($"a\nx{line}\n", 1000, limit));
    }

    private static async Task<List<string>> ReadAsync(string text, int step, int limit)
    {
        var reader = new LineReader(new SlowStream(Encoding.UTF8.GetBytes(text), step), limit);
        var lines = new List<string>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken) is { } line) lines.Add(Encoding.UTF8.GetString(line.Span));
        return lines;
    }

    /// <summary>Returns at most some bytes at a time.</summary>
    private sealed class SlowStream(byte[] bytes, int step) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, step)], cancellationToken);
    }
}
