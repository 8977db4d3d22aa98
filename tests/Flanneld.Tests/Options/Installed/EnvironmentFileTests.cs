using Flanneld.Options.Installed;

namespace Flanneld.Tests.Options.Installed;

public sealed class EnvironmentFileTests
{
    /// <summary>The same texts as systemd reads them; each was tried with a unit of systemd 252 that prints its environment.</summary>
    [Theory]
    [InlineData("A=1", "1")]
    [InlineData("  A = 1 ", "1")]
    [InlineData("A=one two  \n", "one two")]
    [InlineData("A='one  two'", "one  two")]
    [InlineData("A=\"one \\\"two\\\"\"", "one \"two\"")]
    [InlineData("A=\"a\\nb\"", "a\\nb")]
    [InlineData("A=1\\\n2", "12")]
    [InlineData("A=\"1\\\n2\"", "12")]
    [InlineData("A=it's", "it's")]
    [InlineData("A='1'\"2\" 3", "123")]
    [InlineData("A=a\\ b", "a b")]
    [InlineData("A=\r\n", "")]
    [InlineData("A=1\r\nB=2", "1")]
    [InlineData("# A=0\n; A=0\nA=1", "1")]
    [InlineData("# comment \\\nA=0\nA=1", "1")]
    [InlineData("A=1\nA=2", "2")]
    [InlineData("A=--x=y", "--x=y")]
    public void A_value_is_read_as_systemd_reads_it(string text, string expected) =>
        Assert.Equal(expected, EnvironmentFile.Parse(text).Last(variable => variable.Key == "A").Value);

    [Theory]
    [InlineData("")]
    [InlineData("A")]
    [InlineData("=1")]
    [InlineData("export A=1")]
    [InlineData("# A=1")]
    public void A_line_that_assigns_nothing_is_ignored(string text) => Assert.Empty(EnvironmentFile.Parse(text));
}
