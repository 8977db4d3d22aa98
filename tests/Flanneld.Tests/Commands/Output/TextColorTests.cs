using Flanneld.Commands.Output;
using Flanneld.Options;

namespace Flanneld.Tests.Commands.Output;

public sealed class TextColorTests
{
    [Theory]
    [InlineData("auto", true, null, "xterm-256color", true)]
    [InlineData("auto", true, "", "xterm", true)]
    [InlineData("auto", true, "0", "xterm", false)]
    [InlineData("auto", true, null, "dumb", false)]
    [InlineData("auto", true, null, null, false)]
    [InlineData("auto", false, null, "xterm", false)]
    [InlineData("always", false, "1", "dumb", true)]
    [InlineData("never", true, null, "xterm", false)]
    public void Colors_are_on_terminals_unless_the_user_says_otherwise(
        string mode, bool isTerminal, string? noColor, string? term, bool expected) => Assert.Equal(
            expected, TextColor.IsEnabled(Enum.Parse<ColorMode>(mode, ignoreCase: true), isTerminal, noColor, term));

    [Theory]
    [InlineData("ok", "32")]
    [InlineData("warning", "33")]
    [InlineData("problem", "31")]
    public void A_state_has_its_color(string state, string code) => Assert.Equal($"\e[{code}m{state}\e[0m", TextColor.Of(state));

    [Theory]
    [InlineData("note")]
    [InlineData("")]
    public void Another_word_has_none(string word) => Assert.Equal(word, TextColor.Of(word));

    [Theory]
    [InlineData("no", ": it is lost")]
    [InlineData("Pending", "")]
    [InlineData("none", " of them")]
    [InlineData("notable", "")]
    public void Only_the_first_word_is_a_state(string first, string rest) =>
        Assert.Equal(TextColor.Of(first) + rest, TextColor.OfFirstWord(first + rest));
}
