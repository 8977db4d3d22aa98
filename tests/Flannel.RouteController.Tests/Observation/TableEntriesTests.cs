using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Observation;

public sealed class TableEntriesTests
{
    private static readonly IpNetwork One = IpNetwork.Parse("10.24.1.0/24");
    private static readonly IpNetwork Two = IpNetwork.Parse("10.24.2.0/24");

    [Fact]
    public void A_destination_replaces_its_entry_and_no_other()
    {
        var table = Read("10.24.1.0/24 i-1", "10.24.2.0/24 i-2");
        table.Store([One], [Plans.Entry("10.24.1.0/24", "i-other")], now: 20);
        Assert.Equal(["10.24.1.0/24 i-other", "10.24.2.0/24 i-2"], Routes(table));
        Assert.Equal((20, 10), (table.ReceivedAt(One), table.ReceivedAt(Two)));
        Assert.False(table.IsStale);
    }

    [Theory]
    [InlineData(ExpectedEntry.AsBefore, "10.24.1.0/24", true)]
    [InlineData(ExpectedEntry.Gone, "10.24.1.0/24", false)]
    [InlineData(ExpectedEntry.AsBefore, "10.24.2.0/24", false)]
    [InlineData(ExpectedEntry.Present, "10.24.2.0/24", true)]
    public void A_table_is_read_completely_if_an_expected_entry_is_missing(object expected, string destination, bool isStale)
    {
        var table = Read("10.24.1.0/24 i-1");
        table.Invalidate(IpNetwork.Parse(destination), (ExpectedEntry)expected);
        table.Store([IpNetwork.Parse(destination)], [], now: 20);
        Assert.Equal(isStale, table.IsStale);
        Assert.Empty(table.Due);
        // It is kept until then.
        Assert.Equal(expected is ExpectedEntry.Gone ? [] : ["10.24.1.0/24 i-1"], Routes(table));
    }

    [Fact]
    public void An_entry_that_was_being_deleted_may_be_gone()
    {
        var table = new TableEntries("vtb-1");
        table.Store([Plans.Entry("10.24.1.0/24", "i-1") with { Status = RouteEntryStatus.Deleting }], now: 10);
        table.Store([One], [], now: 20);
        Assert.False(table.IsStale);
        Assert.Empty(table.Entries!);
    }

    [Fact]
    public void A_read_in_the_background_keeps_the_destinations_that_were_read_since_it_began()
    {
        var table = Read("10.24.1.0/24 i-1", "10.24.2.0/24 i-2");
        table.Store([One], [Plans.Entry("10.24.1.0/24", "i-before")], now: 19);
        table.Store([Two], [Plans.Entry("10.24.2.0/24", "i-since")], now: 21);
        table.StoreInBackground([Plans.Entry("10.24.1.0/24", "i-1"), Plans.Entry("10.24.2.0/24", "i-2")], began: 20, now: 30);
        Assert.Equal(["10.24.1.0/24 i-1", "10.24.2.0/24 i-since"], Routes(table));
        Assert.Equal((20, 21, 30), (table.ReceivedAt(One), table.ReceivedAt(Two), table.CompletelyReadAt));
    }

    [Fact]
    public void A_read_in_the_background_does_not_replace_a_later_complete_one()
    {
        var table = Read("10.24.1.0/24 i-1");
        table.StoreInBackground([], began: 5, now: 30);
        Assert.Equal(["10.24.1.0/24 i-1"], Routes(table));
        // After a failed write, only what is read after it counts.
        table.Invalidate();
        table.StoreInBackground([], began: 20, now: 30);
        Assert.True(table.IsStale);
        Assert.Equal(["10.24.1.0/24 i-1"], Routes(table));
    }

    private static TableEntries Read(params string[] routes)
    {
        var table = new TableEntries("vtb-1");
        table.Store([.. routes.Select(route => Plans.Entry(route.Split(' ')[0], route.Split(' ')[1]))], now: 10);
        return table;
    }

    private static IEnumerable<string> Routes(TableEntries table) =>
        table.Entries!.Select(entry => $"{entry.DestinationText} {entry.NextHops[0].Id}").Order(StringComparer.Ordinal);
}
