using Flanneld.Clients;
using Flanneld.Options;
using Flanneld.Tests.Support;

namespace Flanneld.Tests.Clients;

public sealed class EndpointAdviceTests : IDisposable
{
    private readonly FakeHost host = new();

    public void Dispose() => host.Dispose();

    [Theory]
    [InlineData("/etc/default/flanneld")]
    [InlineData("/etc/sysconfig/flanneld")]
    public void The_settings_file_of_the_package_is_named(string path) => Assert.Equal(
        $"these are the default endpoints: set FLANNELD_ETCD_ENDPOINTS in {path}",
        EndpointAdvice.Find(new DaemonOptions(), host.With(path, "").Files));

    [Fact]
    public void Without_a_package_the_flag_is_named() => Assert.Equal(
        "these are the default endpoints: give --etcd-endpoints", EndpointAdvice.Find(new DaemonOptions(), host.Files));

    [Fact]
    public void Endpoints_that_are_given_need_no_advice() =>
        Assert.Null(EndpointAdvice.Find(new DaemonOptions { EtcdEndpoints = "http://192.168.1.11:2379" }, host.Files));
}
