using Flanneld.Commands.Output;

namespace Flanneld.Commands.Routes;

/// <summary>Route entries as a table. Pure.</summary>
internal static class RouteTable
{
    private const string State = "STATE";
    private static readonly string[] Headings = ["DESTINATION", "NODE", "NEXT HOP", "TABLE", State, "OWNER", "KIND"];

    /// <param name="isWide">With the id and name of each entry, its VPC, and a message.</param>
    public static TextTable Of(IReadOnlyList<RouteRow> rows, bool isWide)
    {
        IReadOnlyList<string> headings = isWide ? [.. Headings, "ENTRY", "NAME", "VPC", "MESSAGE"] : Headings;
        var table = new TextTable(headings) { StateColumn = State };
        foreach (var row in rows)
        {
            List<string> cells =
            [
                row.Destination.ToString(), row.Lease?.Attributes.PublicIp.ToString() ?? "", row.NextHopText, row.Table, row.State,
                row.OwnerText, row.Kind,
            ];
            if (isWide) cells.AddRange([row.EntryId, row.Name, row.Vpc?.ToString() ?? "", row.Message]);
            table.Add(cells);
        }

        return table;
    }
}
