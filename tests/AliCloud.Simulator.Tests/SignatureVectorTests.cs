using AliCloud.Simulator.Api;
using AliCloud.Simulator.Setup;
using AliCloud.Simulator.State;
using Microsoft.Extensions.Time.Testing;

namespace AliCloud.Simulator.Tests;

/// <summary>Three published vectors, and one that was computed by hand.</summary>
public sealed class SignatureVectorTests
{
    private const string EmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Theory]
    [InlineData("2023-10-26T10:22:32Z", "3156853299f313e23d1673dc12e1703d",
        "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259",
            "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0")]
    [InlineData("2023-10-26T09:01:01Z", "d410180a5abf7fe235dd9b74aca91fc0",
        "29622f5feb1e9fcaaa2e276a72889c975f7b16f00e02be1ca34965b18cd85015",
            "e521358f7776c97df52e6b2891a8bc73026794a071b50c3323388c4e0df64804")]
    public void The_published_example_is_verified(string date, string nonce, string canonicalHash, string signature)
    {
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["host"] = "ecs.cn-shanghai.aliyuncs.com",
            ["x-acs-action"] = "RunInstances",
            ["x-acs-content-sha256"] = EmptyHash,
            ["x-acs-date"] = date,
            ["x-acs-signature-nonce"] = nonce,
            ["x-acs-version"] = "2014-05-26",
        };
        const string query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai";
        var canonical = Acs3.CanonicalRequest("POST", "/", RawQuery.Parse(query)!, headers, EmptyHash);
        Assert.Equal("ACS3-HMAC-SHA256\n" + canonicalHash, Acs3.StringToSign(canonical));

        var signedHeaders = string.Join(';', headers.Keys);
        headers["authorization"] = $"ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders={signedHeaders},Signature={signature}";
        headers["user-agent"] = "not signed";
        var clock = new FakeTimeProvider(DateTimeOffset.Parse(date, null));
        Assert.IsType<Verified>(Verifier(clock).Verify(new SignedRequest("POST", "/", query, headers, [])));
        Assert.IsType<NotVerified>(Verifier(clock).Verify(new SignedRequest("GET", "/", query, headers, [])));
        Assert.IsType<NotVerified>(Verifier(clock).Verify(new SignedRequest("POST", "/", query + "&Amount=2", headers, [])));
        Assert.IsType<NotVerified>(Verifier(clock).Verify(new SignedRequest("POST", "/", query, headers, [1])));
    }

    [Fact]
    public void The_vector_of_the_openapi_library_is_verified()
    {
        var canonical = Acs3.CanonicalRequest("", "/", RawQuery.Parse("empty=&test=ok")!, [KeyValuePair.Create("x-acs-test", "http,https")],
            "55e12e91650d2fec56ec74e1d3e4ddbfce2ef3a65890c2a19ecf88a307e76a23");
        Assert.Equal("4ab59fffe3c5738ff8a2729f90cc04fe18b02a4b15b2102cbaf92f9ff3df2ea3",
            Acs3.Signature("secret", Acs3.StringToSign(canonical)));
    }

    [Fact]
    public void The_vector_with_a_security_token_is_verified()
    {
        const string query =
            "ClientToken=tok-1&DestinationCidrBlock=10.24.5.0%2F24&NextHopId=i-test&NextHopType=Instance&RegionId=cn-hangzhou&RouteTableId=vtb-test";
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["host"] = "vpc.cn-hangzhou.aliyuncs.com",
            ["x-acs-accesskey-id"] = "AKID",
            ["x-acs-action"] = "CreateRouteEntry",
            ["x-acs-content-sha256"] = EmptyHash,
            ["x-acs-date"] = "2026-01-02T03:04:05Z",
            ["x-acs-security-token"] = "TOKEN+/=",
            ["x-acs-signature-nonce"] = "nonce-1",
            ["x-acs-version"] = "2016-04-28",
        };
        var canonical = Acs3.CanonicalRequest("POST", "/", RawQuery.Parse(query)!, headers, EmptyHash);
        Assert.Equal("778822b79e89c4b5823a992ceacaefb0baf86583e0c620cc0acc15f2b0a0104c",
            Acs3.Signature("SECRET", Acs3.StringToSign(canonical)));
    }

    private static SignatureVerification Verifier(TimeProvider clock)
    {
        var setup = new CloudSetup
        {
            RegionId = "cn-shanghai",
            AccessKeys = [new AccessKeySetup { Id = "YourAccessKeyId", Secret = "YourAccessKeySecret" }]
        };
        var state = new CloudState(setup, clock);
        return new SignatureVerification(new Credentials(state, new Random(1)), state);
    }
}
