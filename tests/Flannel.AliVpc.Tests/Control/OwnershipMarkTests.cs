using Flannel.AliVpc.Control;
using Flannel.AliVpc.Tests.Control.Support;
using Flannel.Core.Addresses;

namespace Flannel.AliVpc.Tests.Control;

public sealed class OwnershipMarkTests
{
    private static readonly Ipv4Network Network = Ipv4Network.Parse("10.24.0.0/16");

    /// <summary>A change here orphans every route of every cluster that runs: it must be meant.</summary>
    [Fact]
    public void The_mark_is_a_format_that_stays() =>
        Assert.Equal("flannel-a7ffbe8deee30ccb", OwnershipMark.For("/coreos.com/network", Network).Token);

    [Theory]
    [InlineData("/coreos.com/network/")]
    [InlineData("coreos.com/network")]
    public void A_slash_more_or_less_is_the_same_cluster(string prefix) =>
        Assert.Equal(OwnershipMark.For("/coreos.com/network", Network), OwnershipMark.For(prefix, Network));

    [Fact]
    public void Another_prefix_or_network_is_another_cluster()
    {
        var mark = OwnershipMark.For("/coreos.com/network", Network);
        Assert.NotEqual(mark.Token, OwnershipMark.For("/coreos.com/network2", Network).Token);
        Assert.NotEqual(mark.Token, OwnershipMark.For("/coreos.com/network", Ipv4Network.Parse("10.24.0.0/17")).Token);
    }

    [Fact]
    public void Name_and_description_fit_the_api_whatever_the_prefix()
    {
        var mark = OwnershipMark.For("/http://" + new string('ü', 500) + "\n", Network);
        Assert.InRange(mark.Token.Length, 1, 128);
        Assert.InRange(mark.Description.Length, 1, 256);
        Assert.StartsWith("flannel-", mark.Description, StringComparison.Ordinal);
        Assert.All(mark.Description, c => Assert.InRange(c, ' ', '~'));
    }

    [Theory]
    [InlineData("{0}", "", MarkOwner.Ours)]
    [InlineData("", "{0}: words", MarkOwner.Ours)]
    [InlineData("renamed", "{0}: words", MarkOwner.Ours)]
    [InlineData("{0}", "described anew", MarkOwner.Ours)]
    [InlineData("", "{0}", MarkOwner.Ours)]
    [InlineData("{0}x", "", MarkOwner.None)]
    [InlineData("x{0}", "", MarkOwner.None)]
    [InlineData("", "copied from {0}: words", MarkOwner.None)]
    [InlineData("flannel-0123456789abcdef", "", MarkOwner.OtherCluster)]
    [InlineData("", "flannel-0123456789abcdef: words", MarkOwner.OtherCluster)]
    [InlineData("flannel-0123456789ABCDEF", "", MarkOwner.None)]
    [InlineData("flannel-route-to-node-01", "", MarkOwner.None)]
    [InlineData("", "", MarkOwner.None)]
    public void An_entry_is_known_by_name_or_description(string name, string description, MarkOwner expected)
    {
        var mark = OwnershipMark.For("/coreos.com/network", Network);
        var entry = Plans.Entry("10.24.1.0/24") with
        {
            Name = name.Replace("{0}", mark.Token, StringComparison.Ordinal),
            Description = description.Replace("{0}", mark.Token, StringComparison.Ordinal),
        };
        Assert.Equal(expected, mark.OwnerOf(entry));
    }
}
