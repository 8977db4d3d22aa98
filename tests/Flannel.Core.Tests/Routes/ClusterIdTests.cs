using System.Text;
using Flannel.Core.Routes;

namespace Flannel.Core.Tests.Routes;

public sealed class ClusterIdTests
{
    private const string Text = "0123456789abcdef";

    [Fact]
    public void Its_text_in_etcd_is_fixed()
    {
        Assert.True(ClusterId.TryParse(Text, out var id));
        Assert.Equal(Text, id.ToString());
        Assert.Equal($$"""{"Id":"{{Text}}"}""", Encoding.UTF8.GetString(id.ToJson()));
    }

    [Fact]
    public void It_is_read_back()
    {
        var id = ClusterId.New();
        Assert.Equal(id, ClusterId.ParseJson(id.ToJson()));
    }

    [Fact]
    public void Two_new_clusters_have_different_ids() => Assert.NotEqual(ClusterId.New(), ClusterId.New());

    [Theory]
    [InlineData("0123456789abcde")]
    [InlineData("0123456789abcdef0")]
    [InlineData("0123456789ABCDEF")]
    [InlineData("0123456789abcde-")]
    [InlineData("")]
    public void Other_texts_are_rejected(string text)
    {
        Assert.False(ClusterId.TryParse(text, out var id));
        Assert.Null(id);
        Assert.Null(ClusterId.ParseJson(Encoding.UTF8.GetBytes($$"""{"Id":"{{text}}"}""")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("{\"Id\":null}")]
    [InlineData("{\"Id\":5}")]
    public void Other_values_are_rejected(string json) => Assert.Null(ClusterId.ParseJson(Encoding.UTF8.GetBytes(json)));
}
