namespace Flannel.Core.Tests;

public sealed class FlannelContractTests
{
    [Fact]
    public void Shared_values_do_not_change()
    {
        Assert.Equal(86_400, FlannelContract.LeaseTime.TotalSeconds);
        Assert.Equal(["ali-vpc", "alloc"], [FlannelContract.AliVpcBackend, FlannelContract.AllocBackend]);
        Assert.Equal($"{FlannelContract.AliVpcBackend}, {FlannelContract.AllocBackend}", FlannelContract.Backends);
    }
}
