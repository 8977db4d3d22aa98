using Flannel.AliCloud.Signing;

namespace Flannel.AliCloud.Tests.Signing;

public class AccessKeyTests
{
    [Theory]
    [InlineData(null, "s", null, "access key id is empty")]
    [InlineData("id", "", null, "access key secret is empty")]
    [InlineData("id\r\nX-Evil: 1", "s", null, "access key id has a character")]
    [InlineData("id", "a b", null, "access key secret has a character")]
    [InlineData("id", "s", "tök", "security token has a character")]
    public void What_cannot_be_a_key_is_refused_without_its_text(string? id, string? secret, string? token, string error)
    {
        Assert.Null(AccessKey.Create(id, secret, token, null, out var line));
        Assert.Contains(error, line, StringComparison.Ordinal);
        Assert.DoesNotContain("Evil", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_lives_until_its_expiration_and_prints_nothing_of_itself()
    {
        var end = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var key = AccessKey.Create("the-id", "the-secret", "the-token", end, out _)!;
        Assert.True(key.IsAlive(end.AddTicks(-1)));
        Assert.False(key.IsAlive(end));
        foreach (var part in (string[])["the-id", "the-secret", "the-token"]) Assert.DoesNotContain(part, $"{key}", StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_are_the_same_when_all_their_parts_are()
    {
        var key = Key("id", "s", "t");
        Assert.True(key.IsSameAs(Key("id", "s", "t")));
        Assert.False(key.IsSameAs(Key("id", "s", "u")));
        Assert.False(key.IsSameAs(Key("id", "s", null)));
        Assert.False(key.IsSameAs(Key("id", "r", "t")));
        Assert.False(key.IsSameAs(Key("je", "s", "t")));
    }

    private static AccessKey Key(string id, string secret, string? token) => AccessKey.Create(id, secret, token, null, out _)!;
}
