using System.Text;
using CsCheck;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Tests.Support;
using Flannel.Core;

namespace Flannel.AliCloud.Tests.Credentials;

public class ProfileFormatsTests
{
    private static readonly string[] Names = ["profiles", "current", "name", "\\ud800"];

    /// <summary>Values of every kind, and strings with half of a surrogate pair.</summary>
    private static readonly string[] Values =
    [
        "1", "null", "\"\\ud800\"", "[]", "{}", "[[]]", """[{"name":"\ud800"}]""", """[{"name":"a","\ud800":"x"}]""",
            """[{"name":"a","mode":"\ud800"}]""",
    ];

    [Fact]
    public void The_file_of_the_CLI_has_profiles_and_a_current_one()
    {
        var list = ProfileFormats.ParseJson(Bytes("""
            {"current":"b","profiles":[
              {"name":"a","mode":"AK","access_key_id":"id","access_key_secret":"s","expired_seconds":900,"unknown":{"x":1}},
              {"name":"b","mode":"RamRoleArn","ram_role_arn":"arn","ram_session_name":"me","external_id":"e","sts_region":"cn-beijing"},
              {"mode":"AK"}, null, 7],
             "meta_path":""}
            """)).Value;
        Assert.Equal("b", list.Current);
        var a = list.Find("a")!;
        Assert.Equal(("AK", "id", "s", "900"), (a.Mode, a.AccessKeyId, a.AccessKeySecret, a.DurationSeconds));
        var b = list.Find("b")!;
        Assert.Equal(("arn", "me", "e", "cn-beijing"), (b.RoleArn, b.SessionName, b.ExternalId, b.StsRegion));
        Assert.Null(list.Find("c"));
    }

    [Fact]
    public void The_file_of_the_SDKs_has_sections()
    {
        var list = ProfileFormats.ParseIni(Bytes("""
            # a comment
            [default]              ; the one that counts
            enable = true
            type = access_key      # behind a value
            access_key_id = id#1
            access_key_secret = "a # secret; with marks" ; and a comment
            [role]
            type=ram_role_arn
            role_arn=arn
            role_session_name='me'
            policy=
            """)).Value;
        Assert.Equal("default", list.Current);
        var key = list.Find("default")!;
        Assert.Equal(("access_key", "id#1", "a # secret; with marks", false),
            (key.Mode, key.AccessKeyId, key.AccessKeySecret, key.IsDisabled));
        var role = list.Find("role")!;
        Assert.Equal(("ram_role_arn", "arn", "me", null), (role.Mode, role.RoleArn, role.SessionName, role.Policy));
    }

    [Theory]
    [InlineData("hIdDeN = 1\n", "line 1 is in no section")]
    [InlineData("[a]\nhIdDeN\n", "line 2 is not of the form name = value")]
    [InlineData("[hIdDeN\n", "line 1 is not a section")]
    [InlineData("[]\n", "line 1 is not a section")]
    public void An_invalid_line_is_named_and_not_quoted(string text, string expected)
    {
        Assert.Equal(expected, ProfileFormats.ParseIni(Bytes(text)).Error);
    }

    [Theory]
    [InlineData("", "line 1")]
    [InlineData("{\n\"hIdDeN\"\n", "line")]
    [InlineData("[]", "not the JSON of a profile file")]
    public void Other_content_is_rejected_and_not_quoted(string text, string expected)
    {
        var error = ProfileFormats.ParseJson(Bytes(text)).Error!;
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.DoesNotContain("hIdDeN", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_byte_order_mark_is_ignored()
    {
        Assert.True(ProfileFormats.ParseJson(Bytes("\uFEFF{}")).Ok);
        Assert.True(ProfileFormats.ParseIni(Bytes("\uFEFF[a]\n")).Ok);
    }

    [Fact]
    public void No_input_makes_it_throw() =>
        Gen.Byte.Array[0, 200].Sample(
            bytes => HasOutcome(ProfileFormats.ParseIni(bytes)) && HasOutcome(ProfileFormats.ParseJson(bytes)), seed: Seeds.Texts,
                iter: 2000);

    [Fact]
    public void No_JSON_makes_it_throw() =>
        Gen.Select(Gen.Int[0, Names.Length - 1], Gen.Int[0, Values.Length - 1]).Array[1, 3].Sample(fields =>
        {
            var text = "{" + string.Join(',', fields.DistinctBy(f => f.Item1).Select(f => $"\"{Names[f.Item1]}\":{Values[f.Item2]}")) + "}";
            return HasOutcome(ProfileFormats.ParseJson(Bytes(text)));
        }, seed: Seeds.Order, iter: 500);

    private static bool HasOutcome(Result<ProfileList> result) => result is { Ok: true } or { Error.Length: > 0 };

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
