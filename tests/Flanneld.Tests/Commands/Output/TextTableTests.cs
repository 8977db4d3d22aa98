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
}
