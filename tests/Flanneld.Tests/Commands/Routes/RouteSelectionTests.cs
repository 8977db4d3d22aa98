using Flannel.RouteController.Inventory;
using Flanneld.Commands.Routes;
using Flanneld.Options;

namespace Flanneld.Tests.Commands.Routes;

public sealed class RouteSelectionTests
{
    [Theory]
    [InlineData(true, "")]
    [InlineData(false, " in what could be read")]
    public void An_empty_selection_does_not_speak_for_tables_that_were_not_read(bool isComplete, string scope)
    {
        var listing = new RouteListingResult([], [], [], isComplete ? [] : ["vtb-a could not be read"]);
        var options = new DaemonOptions { RemoveUnmanaged = true, DeleteStale = true, RemoveRoutesOf = "a1" };
        Assert.Equal(
            [$"no unmanaged route{scope}", $"no stale route{scope}", $"no route of a1{scope}"],
            RouteSelection.Of(options, listing).Select(selection => selection.EmptyText));
    }
}
