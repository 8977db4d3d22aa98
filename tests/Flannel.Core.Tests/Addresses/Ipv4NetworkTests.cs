using System.Net;
using CsCheck;
using Flannel.Core.Addresses;

namespace Flannel.Core.Tests.Addresses;

public sealed class Ipv4NetworkTests
{
    // Ends of the number range and short prefixes are where a shift or a sum goes wrong.
    private static readonly Gen<Ipv4Network> Networks = Gen.Select(
        Gen.OneOf<uint>(Gen.UInt, Gen.OneOf(0u, 1u, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFF00u, 0xFFFFFFFFu)), Gen.Int[0, 32],
        (address, length) => new Ipv4Network(new Ipv4Address(address), length));

    [Theory]
    [InlineData("0.0.0.0/0", "255.255.255.255")]
    [InlineData("128.0.0.0/1", "255.255.255.255")]
    [InlineData("10.0.0.0/8", "10.255.255.255")]
    [InlineData("10.24.5.0/24", "10.24.5.255")]
    [InlineData("10.24.5.4/30", "10.24.5.7")]
    [InlineData("255.255.255.255/32", "255.255.255.255")]
    public void A_prefix_is_read_and_written_back(string text, string last)
    {
        Assert.True(Ipv4Network.TryParse(text, out var network));
        Assert.Equal(text, network.ToString());
        Assert.Equal(last, network.Last.ToString());
        Assert.Equal(network, Ipv4Network.Parse(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("10.24.0.0")]
    [InlineData("10.24.0.0/")]
    [InlineData("/16")]
    [InlineData("10.24.0.0/33")]
    [InlineData("10.24.0.0/99")]
    [InlineData("10.24.0.0/016")]
    [InlineData("10.24.0.0/00")]
    [InlineData("10.24.0.0/08")]
    [InlineData("10.24.0.0/4294967312")]
    [InlineData("10.24.0.0/-1")]
    [InlineData("10.24.0.0/+8")]
    [InlineData("10.24.0.0/1x")]
    [InlineData("10.24.0.0/16 ")]
    [InlineData(" 10.24.0.0/16")]
    [InlineData("10.24.0.0/16/16")]
    [InlineData("10.24.0.0//16")]
    [InlineData("10.24.0.0/255.255.0.0")]
    [InlineData("10.24.0.0-16")]
    [InlineData("10.24/16")]
    [InlineData("010.24.0.0/16")]
    [InlineData("0x0a.24.0.0/16")]
    [InlineData("10.24.0.0/١")]
    [InlineData("fc00::/48")]
    public void Any_other_form_is_rejected(string text)
    {
        Assert.False(Ipv4Network.TryParse(text, out _));
        Assert.False(Ipv4Network.TryParse(text, '/', out var network, out var hostBits));
        Assert.False(hostBits);
        Assert.Equal(default, network);
        Assert.Throws<FormatException>(() => Ipv4Network.Parse(text));
    }

    [Theory]
    [InlineData("10.5.72.1/24", "10.5.72.0/24")]
    [InlineData("10.24.5.1/8", "10.0.0.0/8")]
    [InlineData("0.0.0.1/0", "0.0.0.0/0")]
    [InlineData("255.255.255.255/31", "255.255.255.254/31")]
    public void Host_bits_are_rejected_and_the_right_form_is_known(string text, string network)
    {
        Assert.False(Ipv4Network.TryParse(text, out _));
        Assert.True(Ipv4Network.TryParse(text, '/', out var cleared, out var hostBits));
        Assert.True(hostBits);
        Assert.Equal(network, cleared.ToString());
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(33)]
    public void An_invalid_length_throws(int length) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Ipv4Network(default, length));

    [Fact]
    public void A_prefix_has_the_same_meaning_as_in_the_class_library() => Gen.Select(Networks, Gen.UInt).Always(pair =>
    {
        var (network, value) = pair;
        var reference = IPNetwork.Parse(network.ToString());
        Assert.Equal(reference.ToString(), network.ToString());
        Assert.Equal(reference.BaseAddress, network.Address.ToIPAddress());
        Assert.Equal(network, Ipv4Network.Parse(network.ToString()));
        foreach (var address in Around(network).Append(value).Select(each => new Ipv4Address(each)))
            Assert.Equal(reference.Contains(address.ToIPAddress()), network.Contains(address));
    });

    [Fact]
    public void Two_prefixes_overlap_if_and_only_if_one_contains_an_end_of_the_other() => Gen.Select(Networks, Networks).Always(pair =>
    {
        var (left, right) = pair;
        var overlap = left.Address <= right.Last && right.Address <= left.Last;
        Assert.Equal(overlap, left.Overlaps(right));
        Assert.Equal(overlap, right.Overlaps(left));
        Assert.Equal(overlap && left.Length <= right.Length, left.Contains(right));
    });

    [Fact]
    public void Prefixes_are_ordered_by_address_then_the_wider_first()
    {
        string[] texts = ["10.0.0.0/8", "10.0.0.0/16", "10.0.1.0/24", "127.0.0.0/8", "128.0.0.0/1", "255.0.0.0/8"];
        Ipv4Network[] ordered = [.. texts.Select(Ipv4Network.Parse)];
        Assert.Equal(ordered, ordered.Reverse().Order());
        for (var i = 1; i < ordered.Length; i++)
        {
            Assert.True(ordered[i - 1] < ordered[i] && ordered[i] > ordered[i - 1]);
            Assert.True(ordered[i - 1] <= ordered[i] && ordered[i] >= ordered[i - 1]);
            Assert.False(ordered[i - 1] >= ordered[i] || ordered[i] <= ordered[i - 1]);
        }
    }

    private static IEnumerable<uint> Around(Ipv4Network network) =>
        [network.Address.Value, network.Last.Value, unchecked(network.Address.Value - 1), unchecked(network.Last.Value + 1)];
}
