using System.Globalization;

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
        if (File.Exists(EtcdProcess.Program)) etcd = await EtcdProcess.StartAsync();
    }

    public RegistryFixture CreateFixture(RecordingLogger? logger = null)
    {
        if (etcd is null)
        {
            if (Environment.GetEnvironmentVariable("CI") == "true") Assert.Fail($"{EtcdProcess.Program} is missing, and CI=true");
            Assert.Skip($"{EtcdProcess.Program} is missing: install etcd-server");
        }

        var number = Interlocked.Increment(ref fixtures).ToString(CultureInfo.InvariantCulture);
        return new RegistryFixture(etcd.Connect(), $"/test-{number}/network", logger);
    }

    public async ValueTask DisposeAsync()
    {
        if (etcd is not null) await etcd.DisposeAsync();
    }
}
