using CsCheck;
using Flannel.AliCloud.Sts;
using Flannel.AliCloud.Tests.Support;

namespace Flannel.AliCloud.Tests.Sts;

public class AssumedRoleTests
{
    private const string Arn = "acs:ram::1234567890123456:role/Router";

    [Fact]
    public void What_is_not_given_has_the_defaults_of_the_SDKs()
    {
        var role = AssumedRole.Create(Arn, "", "", "", "0", "", out var error)!;
        Assert.Equal(("", Arn, "flanneld"), (error, role.Arn, role.SessionName));
        Assert.Null(role.ExternalId ?? role.Policy ?? role.DurationSeconds ?? role.RegionId);
        var whole = AssumedRole.Create(Arn, "me@home", "id-1", "{}", "900", "cn-beijing", out _)!;
        Assert.Equal(("me@home", "id-1", "{}", "900", "cn-beijing"), (whole.SessionName, whole.ExternalId, whole.Policy, whole.DurationSeconds, whole.RegionId));
    }

    [Theory]
    [InlineData("Router", null, null, null, null, "ARN")]
    [InlineData("acs:ram::1234567890123456:user/hIdDeN", null, null, null, null, "ARN")]
    [InlineData("acs:ram:cn-hangzhou:1234567890123456:role/hIdDeN", null, null, null, null, "ARN")]
    [InlineData("acs:ram::12345x:role/hIdDeN", null, null, null, null, "ARN")]
    [InlineData("acs:ram::1234567890123456:role/hIdDeN&x", null, null, null, null, "ARN")]
    [InlineData(Arn, "h", null, null, null, "session name")]
    [InlineData(Arn, "hIdDeN !", null, null, null, "session name")]
    [InlineData(Arn, null, "h", null, null, "external id")]
    [InlineData(Arn, null, "hIdDeN\n", null, null, "external id")]
    [InlineData(Arn, null, null, "899", null, "duration")]
    [InlineData(Arn, null, null, "hIdDeN", null, "duration")]
    [InlineData(Arn, null, null, null, "hIdDeN.example/", "region")]
    public void What_STS_would_refuse_is_refused_by_its_name_and_not_quoted(
        string arn, string? session, string? externalId, string? seconds, string? region, string named)
    {
        Assert.Null(AssumedRole.Create(arn, session, externalId, null, seconds, region, out var error));
        Assert.Contains(named, error, StringComparison.Ordinal);
        Assert.DoesNotContain("hIdDeN", error, StringComparison.Ordinal);
    }

    [Fact]
    public void No_text_makes_it_throw() =>
        Gen.Select(Gen.String, Gen.String).Sample(
            (arn, other) => AssumedRole.Create(arn, other, other, other, other, other, out var error) is null == error.Length > 0,
            seed: Seeds.Texts, iter: 2000);
}
