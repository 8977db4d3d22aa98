using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary><c>systemctl reload</c> in the sandbox of the unit.</summary>
public sealed class ReloadTests : MachineTest
{
    [Fact]
    public async Task A_reload_applies_the_log_level_names_what_needs_a_restart_and_keeps_the_process()
    {
        await StartMachineAsync();
        await InstallReadyAsync();
        var process = await MainPidAsync();
        await ConfigureAsync(new NamedValue("FLANNELD_V", "2"), new NamedValue("FLANNELD_ROUTE_RESYNC", "30"));
        await Machine.RunAsync("systemctl reload flanneld", Cancel);
        await WaitForJournalAsync("log level changed from -v=0 to -v=2");
        await WaitForJournalAsync("FLANNELD_ROUTE_RESYNC changed in ");
        await WaitForJournalAsync("log level -v=2");

        await Machine.RunAsync("systemctl kill --signal=USR1 flanneld", Cancel);
        await WaitForJournalAsync("state: loop: ");
        Assert.Equal(process, await MainPidAsync());
        Assert.Equal("active", await UnitAsync("ActiveState"));
    }

    private Task WaitForJournalAsync(string text) => Eventually.IsAsync(
        $"the journal has '{text}'",
        async () => (await Machine.JournalAsync("flanneld", Cancel)).Contains(text, StringComparison.Ordinal), Cancel);
}
