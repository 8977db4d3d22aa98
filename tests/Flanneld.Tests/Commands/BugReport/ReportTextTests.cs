using System.Text;
using Flannel.Core;
using Flanneld.Commands.BugReport;

namespace Flanneld.Tests.Commands.BugReport;

public sealed class ReportTextTests
{
    [Theory]
    [InlineData("plain\ttext\n", "plain\ttext\n")]
    [InlineData("é 中文 \ud83d\ude00\n", "é 中文 \ud83d\ude00\n")]
    [InlineData("a\e[31mb\u0007\u0085", "a\\x1B[31mb\\x07\\x85")]
    [InlineData("line\r\nline\r\n", "line\nline\n")]
    public void Control_characters_are_visible(string text, string expected) => Assert.Equal(expected, ReportText.Of(text));

    [Fact]
    public void Half_of_a_character_is_visible() =>
        Assert.Equal("half \ufffd of a character", ReportText.Of("half \ud83d of a character"));

    [Fact]
    public async Task A_part_in_UTF_16_hides_no_secret_and_leaves_a_valid_file()
    {
        var bytes = Encoding.Unicode.GetBytes("password=hunter22\n");
        var part = new ReportPart(
            "log", TimeSpan.FromSeconds(60), _ => Task.FromResult<Result<string>>(Encoding.UTF8.GetString([.. bytes, 0xff, 0xfe])));
        var text = await part.ReadAsync(TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.Equal("(not UTF-8: 18 zero bytes are removed)\npassword=***\n\ufffd\ufffd", new SecretScrubber([]).Scrub(text));
    }
}
