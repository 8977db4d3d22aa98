using System.Security.Cryptography;
using System.Text;
using Flannel.AliCloud.Signing;

namespace Flannel.AliCloud.Tests.Signing;

/// <summary>The older RPC signature (HMAC-SHA1) is not implemented, but it signs the same sorted and encoded query: its published vectors
/// test the query with other characters.</summary>
public class OlderSignatureTests
{
    private const string Sdk =
        "AccessKeyId=accessKeyId Action= Format=JSON RegionId=regionId SignatureMethod=HMAC-SHA1 "
        + "SignatureNonce=MOCK_UUID SignatureType= SignatureVersion=1.0 Timestamp=mock_date Version=";

    [Theory]
    // The example of the official page, and the same with POST.
    [InlineData("GET", "testsecret", "OLeaidS1JvxuMvnyHOwuJ+uX5qY=",
        "Version=2014-05-26 Timestamp=2016-02-23T12:46:24Z SignatureVersion=1.0 "
        + "SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf SignatureMethod=HMAC-SHA1 "
        + "Format=XML Action=DescribeRegions AccessKeyId=testid")]
    [InlineData("POST", "testsecret", "MxbnVAM4w6sft9xjVpe/GCKueuk=",
        "Version=2014-05-26 Timestamp=2016-02-23T12:46:24Z SignatureVersion=1.0 "
        + "SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf SignatureMethod=HMAC-SHA1 "
        + "Format=XML Action=DescribeRegions AccessKeyId=testid")]
    // The example of the page on request syntax.
    [InlineData("GET", "testsecret", "9NaGiOspFP5UPcwX8Iwt2YJXXuk=",
        "Action=DescribeDedicatedHosts RegionId=cn-beijing Format=JSON Version=2014-05-26 AccessKeyId=testid "
        + "Timestamp=2023-03-13T08:34:30Z SignatureVersion=1.0 SignatureMethod=HMAC-SHA1 SignatureNonce=edb2b34af0af9a6d14deaf7c1a5315eb")]
    // The tests of the openapi library and of the Go SDK, the latter with and without a security token.
    [InlineData("", "accessKeySecret", "jHx/oHoHNrbVfhncHEvPdHXZwHU=", "test=ok")]
    [InlineData("GET", "accessKeySecret", "7loPmFjvDnzOVnQeQNj85S6nFGY=", Sdk)]
    [InlineData("GET", "accessKeySecret", "5Nxdcler+ihqWqv0Hr2On4PsBf4=", $"{Sdk} SecurityToken=accessKeyStsToken")]
    public void The_published_vectors_confirm_the_canonical_query(string method, string secret, string signature, string parameters)
    {
        var query = Acs3Signer.CanonicalQuery(parameters.Split(' ').Select(p => p.Split('=', 2)).Select(
            p => KeyValuePair.Create(p[0], p[1].Replace("mock_date", "mock date", StringComparison.Ordinal))));
        var signed = $"{method}&{Acs3Signer.Encode("/")}&{Acs3Signer.Encode(query)}";
#pragma warning disable CA5350 // The algorithm of the vectors. It protects nothing.
        Assert.Equal(signature,
            Convert.ToBase64String(HMACSHA1.HashData(Encoding.UTF8.GetBytes($"{secret}&"), Encoding.UTF8.GetBytes(signed))));
#pragma warning restore CA5350
    }
}
