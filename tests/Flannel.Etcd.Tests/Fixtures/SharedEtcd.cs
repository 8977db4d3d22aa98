using System.Globalization;
using Flannel.AliCloud.Tests.Support;

[assembly: AssemblyFixture(typeof(Flannel.Etcd.Tests.Fixtures.SharedEtcd))]

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>One etcd for all tests that leave it as it is; each has a prefix of its own.</summary>
public sealed class SharedEtcd : IAsyncLifetime
{
    private int fixtures;
    private EtcdProcess? etcd;

    public EtcdProcess Process => etcd!;

    public async ValueTask InitializeAsync()
    {
        if (EtcdProgram.IsInstalled) etcd = await EtcdProcess.StartAsync();
    }

    public RegistryFixture CreateFixture(RecordingLogger? logger = null)
    {
        EtcdProgram.Require();
        var number = Interlocked.Increment(ref fixtures).ToString(CultureInfo.InvariantCulture);
        return new RegistryFixture(Process.Connect(), $"/test-{number}/network", logger);
    }

    /// <summary>A fixture with a network configuration.</summary>
    public async Task<RegistryFixture> CreateConfiguredAsync(string config = RegistryFixture.Config)
    {
        var fixture = CreateFixture();
        await fixture.PublishConfigAsync(config);
        return fixture;
    }

    public async ValueTask DisposeAsync()
    {
        if (etcd is not null) await etcd.DisposeAsync();
    }
}
