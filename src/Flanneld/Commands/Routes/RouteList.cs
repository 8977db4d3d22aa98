using System.Text;
using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Routes;
using Flannel.RouteController.Inventory;
using Flanneld.Commands.Leases;
using Flanneld.Commands.Output;

namespace Flanneld.Commands.Routes;

/// <summary>The route entries of a cluster for <c>flanneld routes</c>.</summary>
/// <param name="Cluster">Null before the first route controller.</param>
/// <param name="Listing">Null for a backend without routes.</param>
/// <param name="Leases">Those that lack a route; for a backend without routes, all.</param>
internal sealed record RouteList(
    NetworkConfig Config, ClusterId? Cluster, RouteListingResult? Listing, IReadOnlyList<LeaseDescription> Leases)
{
    private const int NameWidth = 10;

    /// <summary>For a backend without routes.</summary>
    public bool IsLeaseListComplete { get; init; } = true;

    private string Backend => Config.BackendType;

    /// <returns>Which leases have no available route, or what could not be read, in one line; null if each lease has its route.</returns>
    public string? FindProblem()
    {
        if (Listing is not { } listing) return IsLeaseListComplete ? null : "a lease cannot be read: see the daemon's log";
        List<string> lines = [];
        if (listing.Gaps.Count > 0) lines.Add(RouteGapText.Summarize(listing.Gaps, Leases));
        if (!listing.IsComplete) lines.Add($"the list is incomplete: {string.Join("; ", listing.Problems)}");
        return lines.Count == 0 ? null : string.Join("; ", lines);
    }

    public CommandDocument ToDocument() => new("RouteList", WriteFields, ToTable);

    /// <summary>In the order of destinations and tables.</summary>
    private List<RouteRow> Rows()
    {
        if (Listing is not { } listing) return [];
        List<RouteRow> rows =
        [
            .. listing.Routes.Select(route => RouteRow.Of(route, RouteGapText.MessageOf(route, listing.Gaps))),
            .. listing.Gaps.Where(gap => gap.HasNoEntry).Select(gap => RouteRow.Of(gap, RouteGapText.MessageOf(gap, Leases))),
        ];
        rows.Sort((a, b) => a.Destination.CompareTo(b.Destination) is not 0 and var order
            ? order
            : string.CompareOrdinal(a.Table + a.EntryId, b.Table + b.EntryId));
        return rows;
    }

    private void WriteFields(Utf8JsonWriter json)
    {
        json.WriteString("cluster", Cluster?.Value);
        json.WriteString("backend", Backend);
        json.WriteString("network", Config.Network.ToString());
        json.WriteString("ipv6Network", Config.Ipv6?.Network.ToString());
        json.WriteStartArray("vpcs");
        foreach (var vpc in Listing?.Vpcs ?? [])
        {
            json.WriteStartObject();
            json.WriteString("id", vpc.Id);
            json.WriteString("region", vpc.RegionId);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        var problem = FindProblem();
        json.WriteBoolean("routed", problem is null);
        json.WriteString("reason", problem ?? "");
        json.WriteNumber("leases", Listing?.Required ?? Leases.Count);
        json.WriteStartArray("problems");
        foreach (var line in Listing?.Problems ?? []) json.WriteStringValue(line);
        json.WriteEndArray();
        json.WriteStartArray("items");
        foreach (var row in Rows()) Write(json, row);
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, RouteRow row)
    {
        json.WriteStartObject();
        json.WriteString("destination", row.Destination.ToString());
        json.WriteString("publicIP", row.Lease?.Attributes.PublicIp.ToString());
        json.WriteStartArray("nextHops");
        foreach (var hop in row.NextHops)
        {
            json.WriteStartObject();
            json.WriteString("type", hop.Type);
            json.WriteString("id", hop.Id);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("table", row.Table.Length > 0 ? row.Table : null);
        json.WriteBoolean("servesNodes", row.ServesNodes);
        json.WriteString("vpc", row.Vpc?.Id);
        json.WriteString("state", row.State);
        json.WriteString("kind", row.Kind);
        json.WriteString("owner", row.Owner.Length > 0 ? row.Owner : null);
        json.WriteString("mark", row.Mark);
        json.WriteString("entryId", row.EntryId.Length > 0 ? row.EntryId : null);
        json.WriteString("name", row.Name);
        json.WriteString("message", row.Message);
        json.WriteEndObject();
    }

    private string ToTable(bool isWide)
    {
        var text = new StringBuilder();
        if (Listing is not { } listing)
        {
            text.Append($"backend {Backend} has no routes\n");
            var leases = new TextTable("SUBNET", "PUBLIC IP", "BACKEND");
            foreach (var each in Leases) leases.Add(each.Lease.Subnet.ToString(), each.PublicIp, each.Lease.Attributes.BackendType);
            return leases.IsEmpty ? text.ToString() : text.Append('\n').Append(leases).ToString();
        }

        var fields = new FieldList(NameWidth);
        fields.Add("cluster", Cluster?.Value ?? "without an id yet: the first route controller creates one");
        fields.Add("network", Config.Ipv6 is { } ipv6 ? $"{Config.Network}, {ipv6.Network}" : Config.Network.ToString());
        fields.Add("VPC", listing.Vpcs.Count == 0 ? "none: no node holds a lease" : string.Join(", ", listing.Vpcs));
        text.Append(fields).Append('\n');
        var table = RouteTable.Of(Rows(), isWide);
        text.Append(table.IsEmpty ? "no entries inside the network\n" : table.ToString()).Append('\n');
        foreach (var line in listing.Problems) text.Append(PrintableText.Of(line)).Append('\n');
        text.Append(Summarize(listing)).Append('\n');
        foreach (var line in RouteSelection.Offers(listing)) text.Append(line).Append('\n');
        return text.ToString();
    }

    private string Summarize(RouteListingResult listing)
    {
        var leases = $"{Plural.Of(listing.Required, "lease")} of {Backend}";
        var lacking = listing.Gaps.DistinctBy(gap => gap.Lease.Key).Count();
        if (lacking > 0) return $"{leases}, {lacking} without an available route";
        return listing.IsComplete ? $"{leases}, all with an available route" : $"{leases}, not all compared";
    }
}
