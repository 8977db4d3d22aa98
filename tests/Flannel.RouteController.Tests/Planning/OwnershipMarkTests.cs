using Flannel.AliCloud;
using Flannel.AliCloud.Tests.Support;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.Core.Routes;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Planning;

public sealed class OwnershipMarkTests
{
    /// <summary>A change of the format would orphan the routes of all running clusters.</summary>
    [Fact]
    public void The_format_of_the_mark_does_not_change()
    {
        Assert.Equal("flannel-0123456789abcdef", Plans.Ours.Token);
        Assert.Equal("flannel-0123456789abcdef: flannel route", Plans.Ours.Description);
    }

    [Fact]
    public void Two_clusters_never_have_the_same_mark() =>
        Assert.NotEqual(OwnershipMark.Of(ClusterId.New()).Token, OwnershipMark.Of(ClusterId.New()).Token);

    [Theory]
    [InlineData("{0}", "", RouteOwner.ThisCluster)]
    [InlineData("", "{0}: any text", RouteOwner.ThisCluster)]
    [InlineData("renamed", "{0}: any text", RouteOwner.ThisCluster)]
    [InlineData("{0}", "another description", RouteOwner.ThisCluster)]
    [InlineData("", "{0}", RouteOwner.ThisCluster)]
    [InlineData("{0}x", "", RouteOwner.Unmarked)]
    [InlineData("x{0}", "", RouteOwner.Unmarked)]
    [InlineData("", "copied from {0}: any text", RouteOwner.Unmarked)]
    [InlineData("flannel-00112233445566ff", "", RouteOwner.OtherCluster)]
    [InlineData("", "flannel-00112233445566ff: any text", RouteOwner.OtherCluster)]
    [InlineData("flannel-00112233445566ff", "{0}: any text", RouteOwner.OtherCluster)]
    [InlineData("{0}", "flannel-00112233445566ff: any text", RouteOwner.OtherCluster)]
    [InlineData("flannel-0123456789ABCDEF", "", RouteOwner.Unmarked)]
    [InlineData("flannel-route-to-node-01", "", RouteOwner.Unmarked)]
    [InlineData("", "", RouteOwner.Unmarked)]
    public void An_entry_is_recognized_by_its_name_or_description(string name, string description, RouteOwner expected)
    {
        var entry = Plans.Entry("10.24.1.0/24") with
        {
            Name = name.Replace("{0}", Plans.Ours.Token, StringComparison.Ordinal),
            Description = description.Replace("{0}", Plans.Ours.Token, StringComparison.Ordinal),
        };
        Assert.Equal(expected, Plans.Ours.OwnerOf(entry));
    }

    [Fact]
    public void The_description_of_an_adopted_entry_names_its_former_cluster_and_is_short_enough()
    {
        var entry = Plans.Entry("10.24.1.0/24", mark: "theirs");
        var description = Plans.Ours.DescriptionFor(entry);
        var adopted = entry with { Name = Plans.Ours.Token, Description = description };
        Assert.Equal(RouteOwner.ThisCluster, Plans.Ours.OwnerOf(adopted));
        Assert.True(Plans.Theirs.WasTakenOver(adopted));
        Assert.False(Plans.Ours.WasTakenOver(adopted));
        Assert.InRange(description.Length, 1, 256);
    }

    [Fact]
    public void A_description_with_the_mark_is_kept_and_another_one_is_replaced()
    {
        var ours = Plans.Entry("10.24.1.0/24", mark: "ours", description: $"{Plans.Ours.Token}: a remark of an operator");
        Assert.Equal(ours.Description, Plans.Ours.DescriptionFor(ours));
        Assert.Equal(Plans.Ours.Description, Plans.Ours.DescriptionFor(ours with { Description = "renamed" }));
    }

    [Fact]
    public void The_mark_in_the_name_counts_before_the_one_in_the_description()
    {
        var both = Plans.Entry("10.24.1.0/24", mark: "ours") with { Name = Plans.Theirs.Token };
        Assert.Equal(Plans.Theirs.Token, OwnershipMark.TokenOf(both));
        Assert.Equal(Plans.Ours.Token, OwnershipMark.TokenOf(both with { Name = "renamed" }));
        Assert.Null(OwnershipMark.TokenOf(both with { Name = "renamed", Description = "" }));
    }

    [Theory]
    [InlineData("0123456789abcdef", "flannel-0123456789abcdef")]
    [InlineData("flannel-0123456789abcdef", "flannel-0123456789abcdef")]
    [InlineData("0123456789ABCDEF", null)]
    [InlineData("flannel-", null)]
    [InlineData("", null)]
    public void An_operator_names_a_cluster_by_its_id_or_its_mark(string text, string? expected) =>
        Assert.Equal(expected, OwnershipMark.ParseToken(text));

    /// <summary>The parameters are in the URL, whose length gateways limit. The ids are as long as real ones.</summary>
    [Fact]
    public async Task The_URL_of_the_largest_batch_stays_below_16_kB()
    {
        var handler = StubHandler.Always(
            System.Net.HttpStatusCode.OK, """{"RequestId":"R","SuccessCount":50,"FailedCount":0,"FailedRouteEntries":[]}""");
        using var api = new CloudApi(Contexts.Create(handler: handler), StaticCredentials.Of(TestCloud.KeyId, TestCloud.KeySecret));
        var mark = OwnershipMark.Of(ClusterId.New());
        var hop = new NextHop("NetworkInterface", "eni-bp14v2sdd3v8htln6w9x");
        NewRouteEntry[] batch =
        [
            .. Enumerable.Range(100, 50).Select(i =>
                new NewRouteEntry("vtb-bp145q7glnuzdvzu21pyk", Ipv4Network.Parse($"172.100.{i}.128/25"), hop, mark.Token,
                    mark.Description)),
        ];
        Assert.Empty((await api.CreateRouteEntriesAsync("ap-southeast-5", batch, TestContext.Current.CancellationToken)).Value!.Failures);
        var query = Assert.Single(handler.Requests).Address.Query;
        Assert.Contains("RouteEntries.50.NextHop=eni-bp14v2sdd3v8htln6w9x", query, StringComparison.Ordinal);
        Assert.DoesNotContain("IpVersion", query, StringComparison.Ordinal);
        Assert.InRange(query.Length, 1, 16_000 - 1);
    }
}
