using Flannel.Core.Addresses;

namespace Flannel.AliCloud.Vpc;

/// <summary>Which entries of a route table are read, and how urgently.</summary>
public sealed record RouteEntryQuery(string RouteTableId)
{
    /// <summary>Only the entries with one of these destinations, at most <see cref="Http.CloudLimits.DestinationsPerCall"/>
    /// (<c>DestCidrBlockList</c>). Empty for all entries.</summary>
    public IReadOnlyList<IpNetwork> Destinations { get; init; } = [];

    /// <summary>No node waits for the result: other calls come first.</summary>
    public bool IsBackground { get; init; }

    /// <summary>Awaited before each call after the first: each page is a call. The time limit of the list does not include it. Null for
    /// nothing.</summary>
    public Func<CancellationToken, Task>? BeforePage { get; init; }
}
