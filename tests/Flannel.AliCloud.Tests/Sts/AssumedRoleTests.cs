using CsCheck;
using Flannel.AliCloud.Sts;
using Flannel.AliCloud.Tests.Support;
using Flannel.Core;

namespace Flannel.AliCloud.Tests.Sts;

public class AssumedRoleTests
{
    private const string Arn = "acs:ram::1234567890123456:role/Router";

    [Fact]
    public void Missing_parameters_have_the_defaults_of_the_SDKs()
    {
        var role = Create(Arn, "", "", "", "0", "").Value;
        Assert.Equal((Arn, "flanneld", "3600"), (role.Arn, role.SessionName, role.DurationSeconds));
        Assert.Null(role.ExternalId ?? role.Policy ?? role.RegionId);
        var all = Create(Arn, "me@home", "id-1", "{}", "900", "cn-beijing").Value;
        Assert.Equal(
            ("me@home", "id-1", "{}", "900", "cn-beijing"),
            (all.SessionName, all.ExternalId, all.Policy, all.DurationSeconds, all.RegionId));
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
    public void An_invalid_parameter_is_rejected_by_its_name_and_not_quoted(
        string arn, string? session, string? externalId, string? seconds, string? region, string named)
    {
        var error = Create(arn, session, externalId, null, seconds, region).Error!;
        Assert.Contains(named, error, StringComparison.Ordinal);
        Assert.DoesNotContain("hIdDeN", error, StringComparison.Ordinal);
    }

    [Fact]
    public void No_input_makes_it_throw() =>
        Gen.Select(Gen.String, Gen.String).Sample(
            (arn, other) => Create(arn, other, other, other, other, other) is { Ok: true } or { Error.Length: > 0 },
            seed: Seeds.Texts, iter: 2000);

    private static Result<AssumedRole> Create(
        string? arn, string? session, string? externalId, string? policy, string? seconds, string? region) =>
        AssumedRole.Create(new AssumedRoleOptions
        {
            Arn = arn,
            SessionName = session,
            ExternalId = externalId,
            Policy = policy,
            DurationSeconds = seconds,
            RegionId = region,
        });
}
