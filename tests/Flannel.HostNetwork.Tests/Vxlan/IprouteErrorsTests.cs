using Flannel.HostNetwork.Vxlan;

namespace Flannel.HostNetwork.Tests.Vxlan;

public sealed class IprouteErrorsTests
{
    [Theory]
    [InlineData(
        "RTNETLINK answers: Operation not permitted\nCommand failed -:1\n",
        "backend vxlan needs CAP_NET_ADMIN: install the drop-in vxlan.conf (/usr/share/doc/flanneld/examples),"
        + " or run flanneld with that capability")]
    [InlineData(
        "Error: Unknown device type.\nCommand failed -:1\n",
        "backend vxlan: the kernel has no vxlan module: modprobe vxlan, or install the package that has it")]
    [InlineData(
        "Error: A VXLAN device with the specified VNI already exists.\nCommand failed -:1\nCannot find device \"flannel.1\"\n",
        "ip failed with exit code 1: Error: A VXLAN device with the specified VNI already exists. (2 lines)")]
    [InlineData("", "ip failed with exit code 1")]
    public void An_error_is_one_line_that_says_what_is_missing(string error, string line) =>
        Assert.Equal(line, IprouteErrors.Describe("ip", 1, error));

    [Theory]
    [InlineData("Device \"flannel.1\" does not exist.", true)]
    [InlineData("Cannot find device \"flannel.1\"", true)]
    [InlineData("RTNETLINK answers: Operation not permitted", false)]
    public void A_missing_device_is_recognized(string error, bool isMissing) =>
        Assert.Equal(isMissing, IprouteErrors.IsMissingDevice(error));
}
