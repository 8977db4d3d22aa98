namespace Flannel.Core.Tests;

public sealed class FlannelContractTests
{
    [Fact]
    public void Shared_values_do_not_change()
    {
        Assert.Equal(86_400, FlannelContract.LeaseTime.TotalSeconds);
        string[] backends = [FlannelContract.AliVpcBackend, FlannelContract.AllocBackend, FlannelContract.VxlanBackend];
        Assert.Equal(["ali-vpc", "alloc", "vxlan"], backends);
        Assert.Equal(FlannelContract.Backends, string.Join(", ", backends));
    }
}
