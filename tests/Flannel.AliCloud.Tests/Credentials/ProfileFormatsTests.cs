using System.Text;
using CsCheck;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Tests.Support;

namespace Flannel.AliCloud.Tests.Credentials;

public class ProfileFormatsTests
{
    private static readonly string[] Names = ["profiles", "current", "name", "\\ud800"];

    /// <summary>Of every kind, and texts that are half of a surrogate pair.</summary>
    private static readonly string[] Values =
    [
        "1", "null", "\"\\ud800\"", "[]", "{}", "[[]]", """[{"name":"\ud800"}]""", """[{"name":"a","\ud800":"x"}]""", """[{"name":"a","mode":"\ud800"}]""",
    ];

    [Fact]
    public void The_CLIs_file_gives_its_profiles_and_the_current_one()
    {
        var list = ProfileFormats.Json(Bytes("""
            {"current":"b","profiles":[
              {"name":"a","mode":"AK","access_key_id":"id","access_key_secret":"s","expired_seconds":900,"unknown":{"x":1}},
              {"name":"b","mode":"RamRoleArn","ram_role_arn":"arn","ram_session_name":"me","external_id":"e","sts_region":"cn-beijing"},
              {"mode":"AK"}, null, 7],
             "meta_path":""}
            """), out var error)!;
        Assert.Equal(("", "b"), (error, list.Current));
        var a = list.Find("a")!;
        Assert.Equal(("AK", "id", "s", "900"), (a.Mode, a.AccessKeyId, a.AccessKeySecret, a.DurationSeconds));
        var b = list.Find("b")!;
        Assert.Equal(("arn", "me", "e", "cn-beijing"), (b.RoleArn, b.SessionName, b.ExternalId, b.StsRegion));
        Assert.Null(list.Find("c"));
    }

    [Fact]
    public void The_SDKs_file_gives_its_sections()
    {
        var list = ProfileFormats.Ini(Bytes("""
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
            """), out var error)!;
        Assert.Equal(("", "default"), (error, list.Current));
        var key = list.Find("default")!;
        Assert.Equal(("access_key", "id#1", "a # secret; with marks", false), (key.Mode, key.AccessKeyId, key.AccessKeySecret, key.IsSwitchedOff));
        var role = list.Find("role")!;
        Assert.Equal(("ram_role_arn", "arn", "me", null), (role.Mode, role.RoleArn, role.SessionName, role.Policy));
    }

    [Theory]
    [InlineData("hIdDeN = 1\n", "line 1 is in no section")]
    [InlineData("[a]\nhIdDeN\n", "line 2 is not of the form name = value")]
    [InlineData("[hIdDeN\n", "line 1 is not a section")]
    [InlineData("[]\n", "line 1 is not a section")]
    public void A_bad_line_is_named_and_not_quoted(string text, string expected)
    {
        Assert.Null(ProfileFormats.Ini(Bytes(text), out var error));
        Assert.Equal(expected, error);
    }

    [Theory]
    [InlineData("", "line 1")]
    [InlineData("{\n\"hIdDeN\"\n", "line")]
    [InlineData("[]", "not the JSON of a profile file")]
    public void What_is_no_profile_file_is_said_and_not_quoted(string text, string expected)
    {
        Assert.Null(ProfileFormats.Json(Bytes(text), out var error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.DoesNotContain("hIdDeN", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_byte_order_mark_is_no_part_of_either()
    {
        Assert.NotNull(ProfileFormats.Json(Bytes("\uFEFF{}"), out _));
        Assert.NotNull(ProfileFormats.Ini(Bytes("\uFEFF[a]\n"), out _));
    }

    [Fact]
    public void No_bytes_make_them_throw() =>
        Gen.Byte.Array[0, 200].Sample(bytes => (ProfileFormats.Ini(bytes, out var e) is null) == (e.Length > 0)
            && (ProfileFormats.Json(bytes, out e) is null) == (e.Length > 0), seed: Seeds.Texts, iter: 2000);

    [Fact]
    public void No_JSON_makes_it_throw() =>
        Gen.Select(Gen.Int[0, Names.Length - 1], Gen.Int[0, Values.Length - 1]).Array[1, 3].Sample(fields =>
        {
            var text = "{" + string.Join(',', fields.DistinctBy(f => f.Item1).Select(f => $"\"{Names[f.Item1]}\":{Values[f.Item2]}")) + "}";
            return (ProfileFormats.Json(Bytes(text), out var e) is null) == (e.Length > 0);
        }, seed: Seeds.Order, iter: 500);

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
