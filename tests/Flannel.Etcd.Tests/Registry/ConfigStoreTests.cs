using System.Text;
using Flannel.Core.Configuration;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>Against a real etcd.</summary>
public sealed class ConfigStoreTests(SharedEtcd shared)
{
    private const string Other = """{"Network":"10.25.0.0/16","Backend":{"Type":"alloc"}}""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_configuration_is_created_and_replaced()
    {
        var fixture = shared.CreateFixture();
        var missing = await ReadAsync(fixture);
        Assert.Null(missing.Value);
        Assert.IsType<ConfigState.Missing>(missing.Parse());
        var created = Assert.IsType<ConfigWriteResult.Written>(await ReplaceAsync(fixture, missing, RegistryFixture.Config));
        var stored = await ReadAsync(fixture);
        Assert.Equal((created.Revision, RegistryFixture.Config), (stored.ModRevision, Text(stored)));

        Assert.IsType<ConfigWriteResult.Written>(await ReplaceAsync(fixture, stored, Other));

        Assert.Equal("alloc", Assert.IsType<ConfigState.Present>((await ReadAsync(fixture)).Parse()).Config.BackendType);
    }

    [Fact]
    public async Task A_configuration_that_was_changed_meanwhile_stays()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var shown = await ReadAsync(fixture);
        await fixture.PutAsync(fixture.Keys.Config.ToStringUtf8(), "{}");

        var changed = Assert.IsType<ConfigWriteResult.Changed>(await ReplaceAsync(fixture, shown, Other));

        Assert.Equal("{}", Text(changed.Now));
        Assert.Equal("{}", Text(await ReadAsync(fixture)));
    }

    [Fact]
    public async Task A_configuration_that_was_created_meanwhile_stays()
    {
        var fixture = shared.CreateFixture();
        var missing = await ReadAsync(fixture);
        await fixture.PutAsync(fixture.Keys.Config.ToStringUtf8(), "{}");
        Assert.IsType<ConfigWriteResult.Changed>(await ReplaceAsync(fixture, missing, Other));
        Assert.Equal("{}", Text(await ReadAsync(fixture)));
    }

    /// <summary>A restored etcd assigns the revision again, for another value.</summary>
    [Fact]
    public async Task The_same_revision_with_another_value_is_a_change()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var shown = await ReadAsync(fixture) with { Value = Encoding.UTF8.GetBytes(Other) };
        Assert.IsType<ConfigWriteResult.Changed>(await ReplaceAsync(fixture, shown, "{}"));
        Assert.Equal(RegistryFixture.Config, Text(await ReadAsync(fixture)));
    }

    [Fact]
    public async Task A_write_whose_response_is_lost_is_read_again()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var shown = await ReadAsync(fixture);
        fixture.Etcd.LoseResponse("Txn");
        Assert.IsType<ConfigWriteResult.Written>(await ReplaceAsync(fixture, shown, Other));
        Assert.Equal(Other, Text(await ReadAsync(fixture)));
    }

    [Fact]
    public async Task A_write_that_was_lost_is_a_failure()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var shown = await ReadAsync(fixture);
        fixture.Etcd.FailTxn = _ => new EtcdException(EtcdErrorKind.TimedOut, "lost", mayHaveHappened: true);
        var error = await Assert.ThrowsAsync<EtcdException>(() => ReplaceAsync(fixture, shown, Other));
        Assert.Equal("etcd: lost", error.Summary);
        Assert.Equal(RegistryFixture.Config, Text(await ReadAsync(fixture)));
    }

    [Fact]
    public async Task A_write_that_may_have_happened_is_reported_as_such_even_if_etcd_cannot_be_read()
    {
        var fixture = await shared.CreateConfiguredAsync();
        var shown = await ReadAsync(fixture);
        fixture.Etcd.FailAfter = request => new EtcdException(EtcdErrorKind.TimedOut, $"{request} lost", mayHaveHappened: request == "Txn");

        var error = await Assert.ThrowsAsync<EtcdException>(() => ReplaceAsync(fixture, shown, Other));

        Assert.True(error.MayHaveHappened);
        fixture.Etcd.FailAfter = _ => null;
        Assert.Equal(Other, Text(await ReadAsync(fixture)));
    }

    private static Task<StoredConfig> ReadAsync(RegistryFixture fixture) => ConfigStore.ReadAsync(fixture.Etcd, fixture.Keys, Cancel);

    private static Task<ConfigWriteResult> ReplaceAsync(RegistryFixture fixture, StoredConfig expected, string value) =>
        ConfigStore.ReplaceAsync(fixture.Etcd, fixture.Keys, expected, Encoding.UTF8.GetBytes(value), Cancel);

    private static string Text(StoredConfig config) => Encoding.UTF8.GetString(config.Value!.Value.Span);
}
