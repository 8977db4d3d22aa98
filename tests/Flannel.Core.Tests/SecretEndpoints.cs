using CsCheck;

namespace Flannel.Core.Tests;

/// <summary>Generates values of endpoint options that contain a password in any place.</summary>
public static class SecretEndpoints
{
    private const string Padding = "@:/?#,% .";

    private static readonly Gen<string> s_plain = OneOf(
        "http://10.0.0.2:2379", "https://etcd-2.example:2379", "10.0.0.3:2379", "http://[fd00::1]:2379", "");
    private static readonly Gen<string> s_scheme = OneOf("", "http://", "https://", "HTTP://", "//", "http:/", "http:", "ftp://", "://");
    private static readonly Gen<string> s_user = OneOf("root", "", "some.user", "r%6Fot");
    private static readonly Gen<string> s_host = OneOf(
        "10.0.0.1:2379", "10.0.0.1", "etcd", "etcd.example:2379", "[fd00::1]:2379", "localhost");
    private static readonly Gen<string> s_colon = OneOf(":", "%3A", "%3a");
    private static readonly Gen<string> s_at = OneOf("@", "%40", "%2540");
    private static readonly Gen<string> s_padding = Gen.Char[Padding].Array[0, 3].Select(letters => new string(letters));

    /// <summary>A list of one to three endpoints, one of which contains the secret.</summary>
    public static Gen<string> With(string secret) =>
        Gen.Select(s_plain, One(secret), s_plain, OneOf(",", ", ", ",,")).Select((before, one, after, comma) =>
            (before.Length > 0 ? before + comma : "") + one + (after.Length > 0 ? comma + after : ""));

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(index => texts[index]);

    private static Gen<string> One(string secret)
    {
        var password = Gen.Select(s_padding, s_padding).Select((before, after) => $"{before}{secret}{after}");
        var afterUser = Gen.Select(s_scheme, s_user, s_colon, password, s_at, s_host).Select(
            (scheme, user, colon, pass, at, host) => $"{scheme}{user}{colon}{pass}{at}{host}");
        var alone = Gen.Select(s_scheme, s_at, s_host).Select((scheme, at, host) => $"{scheme}{secret}{at}{host}");
        var afterHost = Gen.Select(
            s_scheme, s_host, OneOf("?password=", "/?user=root&password=", "/x?auth=root:", "#", "/token/", ":", "?u@", "/a@"))
            .Select((scheme, host, between) => $"{scheme}{host}{between}{secret}");
        var withoutHost = Gen.Select(s_scheme, s_user, s_colon).Select((scheme, user, colon) => $"{scheme}{user}{colon}{secret}");
        return Gen.OneOf(afterUser, alone, afterHost, withoutHost);
    }
}
