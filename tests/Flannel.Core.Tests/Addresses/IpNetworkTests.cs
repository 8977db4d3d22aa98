using System.Net;
using CsCheck;
using Flannel.Core.Addresses;

namespace Flannel.Core.Tests.Addresses;

public sealed class IpNetworkTests
{
    [Theory]
    [InlineData("10.24.0.0/16", false)]
    [InlineData("0.0.0.0/0", false)]
    [InlineData("10.24.5.7/32", false)]
    [InlineData("fc00::/48", true)]
    [InlineData("::/0", true)]
    [InlineData("fc00::5/128", true)]
    public void A_prefix_of_either_family_is_read_and_written_back(string text, bool isV6)
    {
        var network = IpNetwork.Parse(text);
        Assert.Equal((text, isV6), (network.ToString(), network.IsV6));
    }

    [Theory]
    [InlineData("10.24.0.1/16")]
    [InlineData("fc00::1/48")]
    [InlineData("fc00::")]
    [InlineData("10.24.0.0/33")]
    [InlineData("fc00::/129")]
    [InlineData("")]
    public void Any_other_form_is_rejected(string text)
    {
        Assert.False(IpNetwork.TryParse(text, out _));
        Assert.Throws<FormatException>(() => IpNetwork.Parse(text));
    }

    [Fact]
    public void Prefixes_are_ordered_by_family_address_and_length()
    {
        string[] ordered = ["9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "::/0", "fc00::/16", "fc00::/48", "fd00::/8"];
        Assert.Equal(ordered, ordered.Reverse().Select(IpNetwork.Parse).Order().Select(network => network.ToString()));
        Assert.True(IpNetwork.Parse("::/0") > IpNetwork.Parse("255.0.0.0/8"));
        Assert.True(IpNetwork.Parse("::/0") >= IpNetwork.Parse("::/0"));
        Assert.True(IpNetwork.Parse("10.0.0.0/8") < IpNetwork.Parse("10.0.0.0/9"));
        Assert.True(IpNetwork.Parse("10.0.0.0/8") <= IpNetwork.Parse("10.0.0.0/8"));
        Assert.Equal(Ipv4Network.Parse("10.24.0.0/16"), IpNetwork.Parse("10.24.0.0/16").Ipv4);
        Assert.Null(IpNetwork.Parse("fc00::/48").Ipv4);
    }

    [Theory]
    [InlineData("10.24.5.7", false)]
    [InlineData("fc00::7", true)]
    public void An_address_of_either_family_is_read_and_written_back(string text, bool isV6)
    {
        var address = IpAddress.Parse(text);
        Assert.Equal((text, isV6), (address.ToString(), address.IsV6));
        Assert.Throws<FormatException>(() => IpAddress.Parse(text + "/64"));
    }

    [Fact]
    public void Networks_contain_and_overlap_as_the_types_of_one_family_do() =>
        Gen.Select(Gen.ULong, Gen.ULong, Gen.Int[0, 128], Gen.ULong, Gen.Int[0, 128], Gen.Int[0, 128]).Always(sample =>
        {
            var (high, low, length, otherLow, otherLength, shared) = sample;
            var (one, two) = (new UInt128(high, low), new UInt128(high, otherLow));
            // The first bits are equal, so that overlaps are frequent.
            two = shared == 0 ? two : (one & (UInt128.MaxValue << (128 - shared))) | (two & ~(UInt128.MaxValue << (128 - shared)));
            var (six, otherSix) = (new Ipv6Network(one, length), new Ipv6Network(two, otherLength));
            Assert.Equal(six.Overlaps(otherSix), ((IpNetwork)six).Overlaps(otherSix));
            Assert.Equal(six.Contains(otherSix), ((IpNetwork)six).Contains(otherSix));
            Assert.Equal(six.Contains(two), ((IpNetwork)six).Contains(IpAddress.V6(two)));
            var four = new Ipv4Network(new Ipv4Address((uint)(one >> 96)), length / 4);
            var otherFour = new Ipv4Network(new Ipv4Address((uint)(two >> 96)), otherLength / 4);
            Assert.Equal(four.Overlaps(otherFour), ((IpNetwork)four).Overlaps(otherFour));
            Assert.Equal(four.Contains(otherFour.Address), ((IpNetwork)four).Contains(otherFour.Address));
            Assert.False(((IpNetwork)four).Overlaps(six));
            Assert.False(((IpNetwork)six).Overlaps(four));
        });

    [Fact]
    public void IPv6_networks_overlap_exactly_if_they_share_an_address() =>
        Gen.Select(Gen.ULong, Gen.Int[120, 128], Gen.ULong[0, 511], Gen.Int[120, 128]).Always(sample =>
        {
            var (low, length, offset, otherLength) = sample;
            var (one, two) = (new Ipv6Network(low, length), new Ipv6Network((UInt128)low + offset, otherLength));
            var shares = one.Address <= two.Last && two.Address <= one.Last;
            Assert.Equal(shares, one.Overlaps(two));
            var reference = IPNetwork.Parse(one.ToString());
            Assert.Equal(reference.Contains(IPAddress.Parse(Ipv6Network.FormatAddress(two.Last))), one.Contains(two.Last));
        });

    [Theory]
    [InlineData("10.24.5.0/24", "10.24.5.255")]
    [InlineData("0.0.0.0/0", "255.255.255.255")]
    [InlineData("10.24.5.7/32", "10.24.5.7")]
    [InlineData("fc00::/64", "fc00::ffff:ffff:ffff:ffff")]
    [InlineData("::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    public void The_last_address_has_all_bits_beyond_the_length(string network, string last) =>
        Assert.Equal(IpAddress.Parse(last), IpNetwork.Parse(network).Last);
}
