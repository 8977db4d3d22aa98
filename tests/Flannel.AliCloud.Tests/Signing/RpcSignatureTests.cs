using Flannel.AliCloud.Signing;

namespace Flannel.AliCloud.Tests.Signing;

public class RpcSignatureTests
{
    private static readonly KeyValuePair<string, string>[] Parameters =
    [
        new("RegionId", "cn-hangzhou"), new("RouteTableId", "vtb-1"), new("NextHopType", "Instance"), new("NextHopId", "i-2"),
        new("DestinationCidrBlock", "10.244.2.0/24"), new("ClientToken", "tok-1"),
    ];

    [Fact]
    public void A_request_of_the_official_SDK_gets_the_same_signature()
    {
        var query = Acs3Signer.CanonicalQuery(Parameters);
        Assert.Equal(
            "ClientToken=tok-1&DestinationCidrBlock=10.244.2.0%2F24&NextHopId=i-2&NextHopType=Instance&RegionId=cn-hangzhou&RouteTableId=vtb-1",
            query);

        var headers = RpcSignature.Headers("127.0.0.1:18080", "CreateRouteEntry", "2016-04-28",
            new DateTimeOffset(2026, 11, 23, 6, 44, 30, TimeSpan.Zero), "7f8a3f19-4813-4103-84b5-a9aec6ed4c81", query,
            AccessKey.Create("AKID", "SECRET").Value);

        Assert.Equal(
            [
                new("x-acs-action", "CreateRouteEntry"), new("x-acs-version", "2016-04-28"), new("x-acs-date", "2026-11-23T06:44:30Z"),
                new("x-acs-signature-nonce", "7f8a3f19-4813-4103-84b5-a9aec6ed4c81"),
                new("x-acs-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                new("Authorization",
                    "ACS3-HMAC-SHA256 Credential=AKID,"
                    + "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
                    + "Signature=049d8833b7c2e4be3d8ad566faa4682d319236b4b93bf93bc672a1273cdccfc4"),
            ],
            headers);
    }

    [Fact]
    public void A_security_token_is_signed()
    {
        KeyValuePair<string, string>[] parameters =
        [
            new("ClientToken", "tok-1"), new("DestinationCidrBlock", "10.24.5.0/24"), new("NextHopId", "i-test"),
                new("NextHopType", "Instance"),
            new("RegionId", "cn-hangzhou"), new("RouteTableId", "vtb-test"),
        ];
        var headers = RpcSignature.Headers("vpc.cn-hangzhou.aliyuncs.com", "CreateRouteEntry", "2016-04-28",
            new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), "nonce-1", Acs3Signer.CanonicalQuery(parameters),
            AccessKey.Create("AKID", "SECRET", "TOKEN+/=").Value);

        Assert.Contains(new("x-acs-accesskey-id", "AKID"), headers);
        Assert.Contains(new("x-acs-security-token", "TOKEN+/="), headers);
        Assert.EndsWith("Signature=778822b79e89c4b5823a992ceacaefb0baf86583e0c620cc0acc15f2b0a0104c", headers[^1].Value,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_date_is_in_UTC()
    {
        var headers = RpcSignature.Headers("h", "A", "V", new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(8)), "n", "",
            AccessKey.Create("AKID", "SECRET").Value);
        Assert.Contains(new("x-acs-date", "2026-01-01T19:04:05Z"), headers);
    }
}
