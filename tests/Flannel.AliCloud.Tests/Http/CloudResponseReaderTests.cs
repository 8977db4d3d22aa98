using System.Net;
using System.Text;
using CsCheck;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Tests.Support;
using Flannel.AliCloud.Vpc;

namespace Flannel.AliCloud.Tests.Http;

public class CloudResponseReaderTests
{
    private static readonly AccessKey Key = AccessKey.Create("id", "the-secret", "the-token").Value;

    private static readonly Gen<byte[]> Bodies = Gen.OneOf(
        Gen.Byte.Array[0, 60],
        Gen.OneOf("{", "}", "[", "]", "\"RequestId\"", ":", "\"R\"", ",", "null", "1", "\"RouteEntrys\"", "\"RouteEntry\"", "\"Code\"",
            "\"NextHops\"", "\"\\ud800\"")
            .Array[0, 14].Select(parts => Encoding.UTF8.GetBytes(string.Concat(parts))));

    [Fact]
    public void No_bytes_make_it_throw() =>
        Gen.Select(Bodies, Gen.OneOf(200, 201, 400, 403, 500, 503)).Sample((body, status) =>
        {
            using var response = new HttpResponseMessage((HttpStatusCode)status);
            var entries = CloudResponseReader.Read(
                CloudCall.Read(CloudService.Vpc, "DescribeRouteEntryList", "cn-hangzhou"), VpcJson.Default.RouteEntryListResponse, Key,
                    response, body, default);
            return entries.Error is null != entries.Value is null
                && (entries.Error is null || status >= 400 || entries.Error.Code == "<answer>");
        }, seed: Seeds.Bytes, iter: 20_000);

    [Theory]
    [InlineData("SignatureDoesNotMatch")]
    [InlineData("SomethingElse")]
    public void Secrets_that_the_service_quotes_are_redacted(string code)
    {
        using var response = new HttpResponseMessage(HttpStatusCode.BadRequest);
        var body = Encoding.UTF8.GetBytes(
            $$"""{"Code":"{{code}}","Message":"calculated with the-secret and the-token here","RequestId":"R"}""");
        var error = CloudResponseReader.Read(
            CloudCall.Read(CloudService.Vpc, "X", "cn-hangzhou"), HttpJson.Default.CloudResponse, Key, response, body, default).Error!;
        Assert.DoesNotContain("the-secret", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("the-token", error.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(error.Message);
    }

    [Fact]
    public void Unknown_and_absent_properties_are_ignored()
    {
        using var response = new HttpResponseMessage(HttpStatusCode.OK);
        var body =
            """{"requestid":"R","TotalCount":"3","New":{"x":[1]},"VSwitches":{"VSwitch":[null,{"VSwitchId":"vsw-1","Future":true}]}}"""u8.ToArray();
        var value = CloudResponseReader.Read(
            CloudCall.Read(CloudService.Vpc, "DescribeVSwitches", "cn-hangzhou"), VpcJson.Default.VSwitchListResponse, Key, response, body,
                default).Value!;
        Assert.Equal((3, 2, "vsw-1"), (value.TotalCount!.Value, value.VSwitches!.VSwitch!.Count, value.VSwitches.VSwitch[1]!.VSwitchId));
    }
}
