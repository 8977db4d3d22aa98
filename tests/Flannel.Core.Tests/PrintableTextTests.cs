namespace Flannel.Core.Tests;

public sealed class PrintableTextTests
{
    [Theory]
    [InlineData("flannel-0123456789abcdef")]
    [InlineData("路由 \"a\" <b>")]
    [InlineData("\U0001F600")]
    [InlineData("")]
    public void Ordinary_text_stays(string text) => Assert.Equal(text, PrintableText.Of(text));

    [Theory]
    [InlineData("a\e[31mb", "a?[31mb")]
    [InlineData("a\u009b31m", "a?31m")]
    [InlineData("two\nlines\r", "two?lines?")]
    [InlineData("a\0b\u007f", "a?b?")]
    [InlineData("a\u202eb\u2066c\u200bd", "a?b?c?d")]
    [InlineData("a\u2028b\u2029", "a?b?")]
    [InlineData("\ufeffa", "?a")]
    [InlineData("\U000E0041a", "?a")]
    public void What_a_terminal_executes_or_hides_is_replaced(string text, string expected) =>
        Assert.Equal(expected, PrintableText.Of(text));

    [Fact]
    public void Half_of_a_surrogate_pair_is_replaced() => Assert.Equal("a\ufffdb", PrintableText.Of("a\ud800b"));
}
