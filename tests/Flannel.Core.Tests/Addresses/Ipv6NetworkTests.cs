using System.Globalization;
using System.Net;
using System.Numerics;
using System.Text.RegularExpressions;
using CsCheck;
using Flannel.Core.Addresses;

namespace Flannel.Core.Tests.Addresses;

public sealed partial class Ipv6NetworkTests
{
    // Addresses with runs of zeros, where the short form has choices to make.
    private static readonly Gen<UInt128> Addresses = Gen.OneOf<ushort>(Gen.OneOf<ushort>(0, 1, 0x5efe, 0xfc00, 0xffff), Gen.UShort).Array[8]
        .Select(groups => groups.Aggregate(UInt128.Zero, (address, group) => address << 16 | group));

    [Theory]
    [InlineData("::", "::")]
    [InlineData("::1", "::1")]
    [InlineData("fc00::", "fc00::")]
    [InlineData("FC00:0:0:F::", "fc00:0:0:f::")]
    [InlineData("fc00:0000:0000:0001:0000:0000:0000:0000", "fc00:0:0:1::")]
    [InlineData("1:0:0:2:0:0:3:4", "1::2:0:0:3:4")]
    [InlineData("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0")]
    [InlineData("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8")]
    [InlineData("::ffff:10.0.0.1", "::ffff:a00:1")]
    [InlineData("::10.0.0.1", "::a00:1")]
    [InlineData("fe80::5efe:10.0.0.1", "fe80::5efe:a00:1")]
    public void An_address_is_written_in_the_short_form_of_Go(string text, string canonical)
    {
        Assert.True(Ipv6Network.TryParseAddress(text, out var address));
        Assert.Equal(canonical, Ipv6Network.FormatAddress(address));
    }

    [Theory]
    [InlineData("")]
    [InlineData(":")]
    [InlineData(":::")]
    [InlineData("1::2::3")]
    [InlineData("1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("1:2:3::4:5:6:7:8")]
    [InlineData(":1::")]
    [InlineData("1::2:")]
    [InlineData("20011::")]
    [InlineData("0x1::")]
    [InlineData("::g")]
    [InlineData(" ::1")]
    [InlineData("::1 ")]
    [InlineData("::1%eth0")]
    [InlineData("::1%1")]
    [InlineData("[::1]")]
    [InlineData("[::1]:80")]
    [InlineData("::1/128")]
    [InlineData("::ffff:010.0.0.1")]
    [InlineData("::ffff:10.0.1")]
    [InlineData("10.0.0.1")]
    [InlineData("localhost")]
    public void Any_other_form_is_rejected(string text) => Assert.False(Ipv6Network.TryParseAddress(text, out _));

    [Theory]
    [InlineData("::/0", "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    [InlineData("fc00::/48", "fc00::/48", "fc00::ffff:ffff:ffff:ffff:ffff")]
    [InlineData("fc00::/127", "fc00::/127", "fc00::1")]
    [InlineData("fc00::1/128", "fc00::1/128", "fc00::1")]
    public void A_prefix_is_read_and_written_back(string text, string canonical, string last)
    {
        Assert.True(Ipv6Network.TryParse(text, '/', out var network, out var hostBits));
        Assert.False(hostBits);
        Assert.Equal(canonical, network.ToString());
        Assert.Equal(last, Ipv6Network.FormatAddress(Last(network)));
    }

    [Theory]
    [InlineData("fc00::")]
    [InlineData("fc00::/")]
    [InlineData("/48")]
    [InlineData("fc00::/129")]
    [InlineData("fc00::/048")]
    [InlineData("fc00::/00")]
    [InlineData("fc00::/1000")]
    [InlineData("fc00::/4x")]
    [InlineData("fc00::/-1")]
    [InlineData("fc00::/48/48")]
    [InlineData("10.24.0.0/16")]
    public void Any_other_prefix_is_rejected(string text)
    {
        Assert.False(Ipv6Network.TryParse(text, '/', out var network, out _));
        Assert.Equal(default, network);
    }

    [Fact]
    public void Host_bits_are_reported_and_cleared()
    {
        Assert.True(Ipv6Network.TryParse("fc00::1/48", '/', out var network, out var hostBits));
        Assert.True(hostBits);
        Assert.Equal("fc00::/48", network.ToString());
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(129)]
    public void An_invalid_length_throws(int length) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Ipv6Network(UInt128.Zero, length));

    [Fact]
    public void An_address_and_its_text_convert_into_each_other() => Addresses.Always(address =>
    {
        var text = Ipv6Network.FormatAddress(address);
        Assert.True(Ipv6Network.TryParseAddress(text, out var read));
        Assert.Equal(address, read);
        Assert.Equal(address, SlowParse(text));
        var reference = IPAddress.Parse(text).ToString();
        if (!reference.Contains('.', StringComparison.Ordinal)) Assert.Equal(reference, text);
    });

    [Fact]
    public void A_prefix_contains_the_same_addresses_as_in_the_class_library() =>
        Gen.Select(Addresses, Gen.Int[0, 128], Addresses).Always(sample =>
        {
            var (address, length, other) = sample;
            var network = new Ipv6Network(address, length);
            var reference = IPNetwork.Parse(network.ToString());
            UInt128[] around = [address, other, network.Address, Last(network), unchecked(Last(network) + 1),
                unchecked(network.Address - 1)];
            foreach (var each in around)
                Assert.Equal(reference.Contains(IPAddress.Parse(Ipv6Network.FormatAddress(each))), network.Contains(each));
        });

    [Fact]
    public void Text_is_an_address_only_if_a_direct_implementation_of_the_grammar_accepts_it() =>
        Hostile.Text(
                "0123456789abcdefF:", ":", "::", "0", "1", "ffff", "fc00", "00001", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8", "fc00:0:0:1::",
                "%1", "[", "]", " ")
            .Always(text =>
            {
                if (text.Contains('.', StringComparison.Ordinal)) return;
                var reference = SlowParse(text);
                Assert.Equal(reference is not null, Ipv6Network.TryParseAddress(text, out var address));
                if (reference is { } value) Assert.Equal(value, address);
            }, times: 40_000);

    /// <summary>RFC 4291, 2.2, forms 1 and 2, step by step.</summary>
    private static UInt128? SlowParse(string text)
    {
        var halves = text.Split("::");
        if (halves.Length > 2) return null;
        var left = Groups(halves[0]);
        var right = halves.Length == 2 ? Groups(halves[1]) : [];
        if (left is null || right is null) return null;
        var missing = 8 - left.Count - right.Count;
        if (halves.Length == 1 ? missing != 0 : missing < 1) return null;
        IEnumerable<int> groups = [.. left, .. Enumerable.Repeat(0, missing), .. right];
        return (UInt128)groups.Aggregate(BigInteger.Zero, (sum, group) => sum * 65536 + group);
    }

    private static List<int>? Groups(string text)
    {
        if (text.Length == 0) return [];
        var parts = text.Split(':');
        if (!parts.All(part => Group().IsMatch(part))) return null;
        return [.. parts.Select(part => int.Parse(part, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
    }

    [GeneratedRegex(@"\A[0-9a-fA-F]{1,4}\z")]
    private static partial Regex Group();

    private static UInt128 Last(Ipv6Network network) =>
        network.Address | (network.Length == 128 ? UInt128.Zero : UInt128.MaxValue >> network.Length);
}
