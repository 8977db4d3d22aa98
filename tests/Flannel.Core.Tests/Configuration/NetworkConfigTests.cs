using System.Text;
using Flannel.Core.Configuration;

namespace Flannel.Core.Tests.Configuration;

public sealed class NetworkConfigTests
{
    [Fact]
    public void It_is_printed_without_the_backends_properties() => Assert.Equal(
        "10.24.0.0/16 SubnetLen 24 10.24.1.0..10.24.255.0 backend ali-vpc",
        NetworkConfigParser.Parse(Encoding.UTF8.GetBytes(
            """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","AccessKeyID":"LTAI5tExample","AccessKeySecret":"s3cr3t"}}"""))
                .Value.ToString());
}
