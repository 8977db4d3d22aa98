using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Tests.Support;
using Flannel.Core;

namespace Flannel.AliCloud.Tests.Signing;

public class Acs3SignerTests
{
    [Theory]
    // The example of the official V3 page.
    [InlineData("2023-10-26T10:22:32Z", "3156853299f313e23d1673dc12e1703d",
        "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259",
            "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0")]
    // The example of the ROA-style page.
    [InlineData("2023-10-26T09:01:01Z", "d410180a5abf7fe235dd9b74aca91fc0",
        "29622f5feb1e9fcaaa2e276a72889c975f7b16f00e02be1ca34965b18cd85015",
            "e521358f7776c97df52e6b2891a8bc73026794a071b50c3323388c4e0df64804")]
    public void The_published_examples_have_the_published_signatures(string date, string nonce, string requestHash, string signature)
    {
        var query = Acs3Signer.CanonicalQuery(
        [
            new("RegionId", "cn-shanghai"), new("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"),
        ]);
        KeyValuePair<string, string>[] headers =
        [
            new("x-acs-action", "RunInstances"), new("x-acs-version", "2014-05-26"), new("x-acs-date", date),
                new("x-acs-signature-nonce", nonce),
            new("x-acs-content-sha256", Acs3Signer.EmptyBodyHash), new("host", "ecs.cn-shanghai.aliyuncs.com"),
        ];

        using var secret = new Secret("YourAccessKeySecret");
        var signed = Acs3Signer.Sign("POST", "/", query, headers, Acs3Signer.EmptyBodyHash, "YourAccessKeyId", secret);

        Assert.Equal(requestHash, signed.CanonicalRequestHash);
        Assert.Equal(
            "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"
            + "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
            + $"Signature={signature}", signed.Authorization);
    }

    [Fact]
    public void The_vector_of_the_openapi_library_has_the_published_signature()
    {
        KeyValuePair<string, string>[] headers = [new("x-acs-test", "http"), new("x-acs-TEST", "https")];
        using var secret = new Secret("secret");
        var signed = Acs3Signer.Sign("", "/", Acs3Signer.CanonicalQuery([new("test", "ok"), new("empty", "")]), headers,
            "55e12e91650d2fec56ec74e1d3e4ddbfce2ef3a65890c2a19ecf88a307e76a23", "acesskey", secret);
        Assert.Equal(
            "ACS3-HMAC-SHA256 Credential=acesskey,SignedHeaders=x-acs-test,"
            + "Signature=4ab59fffe3c5738ff8a2729f90cc04fe18b02a4b15b2102cbaf92f9ff3df2ea3",
            signed.Authorization);
    }

    [Fact]
    public void The_hash_of_the_empty_body_is_correct() =>
        Assert.Equal(Acs3Signer.EmptyBodyHash, Convert.ToHexStringLower(SHA256.HashData([])));

    [Theory]
    [InlineData("a b", "a%20b")]
    [InlineData("a*b", "a%2Ab")]
    [InlineData("a+b/c=d", "a%2Bb%2Fc%3Dd")]
    [InlineData("A-Z_0.9~", "A-Z_0.9~")]
    [InlineData("(!')", "%28%21%27%29")]
    [InlineData("é€", "%C3%A9%E2%82%AC")]
    public void Encoding_follows_rfc_3986(string text, string encoded) => Assert.Equal(encoded, Acs3Signer.Encode(text));

    [Fact]
    public void Encoding_agrees_with_a_reference_implementation() =>
        Gen.String.Sample(text => Acs3Signer.Encode(text) == Slow(text), seed: Seeds.Encoding, iter: 5000);

    [Fact]
    public void The_canonical_query_agrees_with_a_reference_implementation() =>
        Gen.Select(Gen.String[1, 8], Gen.String[0, 12]).Array[0, 12].Sample(pairs =>
        {
            var distinct = pairs.GroupBy(p => p.Item1, StringComparer.Ordinal).Select(g => g.First()).ToList();
            var sorted = distinct.Select(p => p.Item1).ToList();
            sorted.Sort(string.CompareOrdinal);
            var expected = string.Join('&', sorted.Select(n => $"{Slow(n)}={Slow(distinct.Single(p => p.Item1 == n).Item2)}"));
            return Acs3Signer.CanonicalQuery(distinct.Select(p => KeyValuePair.Create(p.Item1, p.Item2))) == expected;
        }, seed: Seeds.Query, iter: 2000);

    [Fact]
    public void The_canonical_query_does_not_depend_on_the_order_of_the_parameters() =>
        Gen.Select(Gen.Int[0, 99], Gen.String[0, 5]).Array[0, 10].Sample(pairs =>
        {
            var parameters = pairs.DistinctBy(p => p.Item1).Select(p => KeyValuePair.Create($"P.{p.Item1}", p.Item2)).ToList();
            return Acs3Signer.CanonicalQuery(parameters) == Acs3Signer.CanonicalQuery(Enumerable.Reverse(parameters));
        }, seed: Seeds.Order, iter: 500);

    /// <summary>Encodes byte by byte, as the documentation describes it.</summary>
    private static string Slow(string text)
    {
        const string unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
        var result = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(text))
            result.Append(b < 128
                && unreserved.Contains((char)b) ? ((char)b).ToString() : "%" + b.ToString("X2", CultureInfo.InvariantCulture));
        return result.ToString();
    }
}
