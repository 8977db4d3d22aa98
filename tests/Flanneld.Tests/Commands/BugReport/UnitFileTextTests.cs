using Flanneld.Commands.BugReport;

namespace Flanneld.Tests.Commands.BugReport;

public sealed class UnitFileTextTests
{
    [Theory]
    [InlineData("[Service]\nAmbientCapabilities=CAP_NET_ADMIN\n", "[Service]\nAmbientCapabilities=CAP_NET_ADMIN\n")]
    [InlineData("Environment=FLANNELD_V=1 OTHER=hunter2", "Environment=FLANNELD_V=1 OTHER=***\n")]
    [InlineData("Environment=\"A=hunter2 hunter2\" \\\n  B=hunter2\nUser=x", "Environment=A=*** B=***\nUser=x\n")]
    [InlineData("Environment=FLANNELD_ETCD_PASSWORD=hunter2", "Environment=FLANNELD_ETCD_PASSWORD=***\n")]
    [InlineData("# Environment=KEY=hunter2", "# Environment=KEY=***\n")]
    [InlineData("environment=KEY=hunter2", "Environment=KEY=***\n")]
    [InlineData("SetCredential=etcd-password:hunter2", "SetCredential=***\n")]
    [InlineData("LoadCredential=etcd-password:/etc/flannel/password", "LoadCredential=etcd-password:/etc/flannel/password\n")]
    public void The_values_of_variables_are_not_shown(string text, string expected) =>
        Assert.Equal(expected, UnitFileText.WithoutSecrets(text));
}
