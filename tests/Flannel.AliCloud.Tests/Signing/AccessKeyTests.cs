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
    public void An_invalid_key_is_rejected_and_not_quoted(string? id, string? secret, string? token, string error)
    {
        var line = AccessKey.Create(id, secret, token).Error!;
        Assert.Contains(error, line, StringComparison.Ordinal);
        Assert.DoesNotContain("Evil", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_is_valid_until_its_expiration_and_prints_no_part_of_itself()
    {
        var end = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var key = AccessKey.Create("the-id", "the-secret", "the-token", end).Value;
        Assert.True(key.IsValidAt(end.AddTicks(-1)));
        Assert.False(key.IsValidAt(end));
        foreach (var part in (string[])["the-id", "the-secret", "the-token"]) Assert.DoesNotContain(
            part, $"{key}", StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_are_the_same_if_all_their_parts_are()
    {
        var key = Key("id", "s", "t");
        Assert.True(key.IsSameAs(Key("id", "s", "t")));
        Assert.False(key.IsSameAs(Key("id", "s", "u")));
        Assert.False(key.IsSameAs(Key("id", "s", null)));
        Assert.False(key.IsSameAs(Key("id", "r", "t")));
        Assert.False(key.IsSameAs(Key("je", "s", "t")));
    }

    private static AccessKey Key(string id, string secret, string? token) => AccessKey.Create(id, secret, token).Value;
}
