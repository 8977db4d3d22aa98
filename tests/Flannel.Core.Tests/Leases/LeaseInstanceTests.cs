using System.Text;
using Flannel.Core.Leases;

namespace Flannel.Core.Tests.Leases;

public sealed class LeaseInstanceTests
{
    [Theory]
    [InlineData("""{"InstanceId":"i-1","VpcId":"vpc-1"}""", "i-1", "vpc-1")]
    [InlineData("""{"InstanceId":"i-1"}""", "i-1", "")]
    [InlineData("""{"InstanceId":"i-1","VpcId":7}""", "i-1", "")]
    [InlineData("""{"InstanceId":"i-1","InstanceId":"i-2"}""", "i-2", "")]
    public void The_instance_and_its_VPC_are_read(string data, string id, string vpc) =>
        Assert.Equal(new LeaseInstance(id, vpc), LeaseInstance.Read(Attributes(data)));

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("""{"InstanceId":""}""")]
    [InlineData("""{"InstanceId":7}""")]
    [InlineData("""{"InstanceId":null}""")]
    // Half of a surrogate pair, which JSON's grammar allows and no string can hold.
    [InlineData("""{"InstanceId":"\ud800"}""")]
    [InlineData("""{"\ud800nstanceId":"i-1"}""")]
    [InlineData("""{"InstanceId":"\udc00"}""")]
    public void Backend_data_without_an_instance_is_not_an_error(string data)
    {
        var value = Encoding.UTF8.GetBytes($$"""{"PublicIP":"192.168.1.11","BackendType":"ali-vpc","BackendData":{{data}}}""");
        Assert.Null(LeaseInstance.Read(LeaseAttributes.Parse(value).Value));
    }

    [Theory]
    [InlineData("ali-vpc", """{"InstanceId":"i-1","VNI":1,"VtepMAC":"0e:00:00:00:00:01"}""", true)]
    [InlineData("ali-vpc", """{"InstanceId":"i-1","VtepMAC":null}""", false)]
    [InlineData("ali-vpc", """{"InstanceId":"i-1"}""", false)]
    [InlineData("vxlan", """{"VNI":1,"VtepMAC":"0e:00:00:00:00:01"}""", false)]
    public void An_instance_of_ali_vpc_with_the_address_of_a_tunnel_has_one(string backend, string data, bool expected) =>
        Assert.Equal(expected, LeaseInstance.HasTunnel(Attributes(data) with { BackendType = backend }));

    [Fact]
    public void An_instance_with_an_invalid_VPC_id_is_ignored() =>
        Assert.Null(LeaseInstance.Read(Attributes("""{"InstanceId":"i-1","VpcId":"\ud800"}""")));

    [Fact]
    public void No_bytes_of_a_lease_throw() => Hostile.Bytes(
            "\"InstanceId\"", "\"VpcId\"", "\"BackendData\"", "\"BackendType\"", "\"ali-vpc\"",
            """{"PublicIP":"192.168.1.11","BackendType":"ali-vpc","BackendData":{"InstanceId":"\ud800"}}""")
        .Always(bytes =>
        {
            var parsed = LeaseAttributes.Parse(bytes);
            if (!parsed.Ok) return;
            LeaseInstance.Read(parsed.Value);
            LeaseInstance.HasTunnel(parsed.Value);
        });

    private static LeaseAttributes Attributes(string data) => new(default, null, FlannelContract.AliVpcBackend, data, null);
}
