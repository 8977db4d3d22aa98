using System.Net;
using System.Text;
using Flannel.AliCloud.Vpc;

namespace Flannel.Benchmarks.Scale;

/// <summary>The responses to DescribeRouteEntryList for a table with many entries, made beforehand, so that a measurement is that of the
/// client: signing, HTTP and JSON.</summary>
internal sealed class PagedEntries : HttpMessageHandler
{
    private readonly List<byte[]> pages;

    public PagedEntries(IReadOnlyList<RouteEntry> entries)
    {
        var chunks = entries.Chunk(Flannel.AliCloud.Http.CloudLimits.EntriesPerPage).ToList();
        pages = [.. chunks.Select((chunk, page) => Page(chunk, page + 1 < chunks.Count ? $"token-{page + 1}" : ""))];
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        const string token = "NextToken=token-";
        var query = request.RequestUri!.Query;
        var start = query.IndexOf(token, StringComparison.Ordinal);
        var digits = start < 0 ? "0" : query[(start + token.Length)..].Split('&')[0];
        var page = int.Parse(digits, System.Globalization.CultureInfo.InvariantCulture);
        return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(pages[page]) });
    }

    /// <summary>With the fields that the API returns.</summary>
    private static byte[] Page(IEnumerable<RouteEntry> entries, string next)
    {
        var items = entries.Select(entry => $$"""
            {"RouteEntryId":"{{entry.RouteEntryId}}","RouteEntryName":"{{entry.Name}}","Description":"{{entry.Description}}",
            "RouteTableId":"{{entry.RouteTableId}}","DestinationCidrBlock":"{{entry.DestinationText}}","IpVersion":"IPv4","Type":"Custom",
            "Status":"Available","Origin":"RouteTable","ServiceType":"","GmtModified":"2026-01-02T03:04:05Z","NextHops":{"NextHop":[
            {"NextHopId":"{{entry.NextHops[0].Id}}","NextHopType":"{{entry.NextHops[0].Type}}","Enabled":1,"Weight":0,"NextHopRegionId":""}] } }
            """);
        return Encoding.UTF8.GetBytes(
            $$"""{"RequestId":"R-1","NextToken":"{{next}}","RouteEntrys":{"RouteEntry":[{{string.Join(',', items)}}] } }""");
    }
}
