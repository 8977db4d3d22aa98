using Flanneld.Commands.Output;

namespace Flanneld.Tests.Commands.Output;

public sealed class TextTableTests
{
    [Fact]
    public void Columns_are_aligned_and_empty_cells_are_dashes()
    {
        var table = new TextTable("SUBNET", "INSTANCE", "ROUTE");
        table.Add("10.24.5.0/24", "i-a", "Available");
        table.Add("10.24.16.0/24", "", "");
        Assert.Equal(
            """
            SUBNET          INSTANCE   ROUTE
            10.24.5.0/24    i-a        Available
            10.24.16.0/24   -          -

            """,
            table.ToString());
    }

    [Fact]
    public void Colors_of_states_do_not_change_the_alignment()
    {
        var table = new TextTable("ROUTE", "NAME") { StateColumn = "ROUTE" };
        table.Add("Available", "a");
        table.Add("Missing", "b");
        table.Add("other", "c");
        Assert.Equal(
            "ROUTE       NAME\n\e[32mAvailable\e[0m   a\n\e[31mMissing\e[0m     b\nother       c\n", table.ToString());
        Assert.Equal("ROUTE       NAME\nAvailable   a\nMissing     b\nother       c\n", TextColor.Remove(table.ToString()));
    }

    [Fact]
    public void Control_characters_of_a_cell_are_replaced()
    {
        var table = new TextTable("NAME");
        table.Add("a\e[31mb\nc");
        Assert.Equal("NAME\na?[31mb?c\n", table.ToString());
    }
}
