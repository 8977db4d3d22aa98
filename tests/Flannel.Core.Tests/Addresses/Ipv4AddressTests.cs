using System.Net;
using CsCheck;
using Flannel.Core.Addresses;

namespace Flannel.Core.Tests.Addresses;

public sealed class Ipv4AddressTests
{
    [Theory]
    [InlineData("0.0.0.0", 0x00000000u)]
    [InlineData("1.2.3.4", 0x01020304u)]
    [InlineData("10.24.5.0", 0x0A180500u)]
    [InlineData("127.0.0.1", 0x7F000001u)]
    [InlineData("128.0.0.0", 0x80000000u)]
    [InlineData("255.255.255.255", 0xFFFFFFFFu)]
    public void A_dotted_quad_is_read_and_written_back(string text, uint value)
    {
        Assert.True(Ipv4Address.TryParse(text, out var address));
        Assert.Equal(value, address.Value);
        Assert.Equal(text, address.ToString());
        Assert.Equal(address, Ipv4Address.Parse(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("10")]
    [InlineData("10.24.5")]
    [InlineData("10.24.5.")]
    [InlineData("10.24.5.0.")]
    [InlineData("10.24.5.0.1")]
    [InlineData("10..5.0")]
    [InlineData(".10.24.5")]
    [InlineData("256.0.0.0")]
    [InlineData("10.24.5.256")]
    [InlineData("10.24.5.1000")]
    [InlineData("10.24.5.99999999999")]
    [InlineData("010.24.5.0")]
    [InlineData("10.24.05.0")]
    [InlineData("10.24.5.00")]
    [InlineData("0x0a.24.5.0")]
    [InlineData("10.24.1280")]
    [InlineData("169346304")]
    [InlineData("+10.24.5.0")]
    [InlineData("-1.24.5.0")]
    [InlineData(" 10.24.5.0")]
    [InlineData("10.24.5.0 ")]
    [InlineData("10.24.5.0\n")]
    [InlineData("10.24.5.0\0")]
    [InlineData("10,24,5,0")]
    [InlineData("10.24.5.٠")]
    [InlineData("１０.24.5.0")]
    [InlineData("10.24.5.0/24")]
    [InlineData("::ffff:10.24.5.0")]
    [InlineData("fc00::1")]
    [InlineData("localhost")]
    public void Any_other_form_is_rejected(string text)
    {
        Assert.False(Ipv4Address.TryParse(text, out var address));
        Assert.Equal(default, address);
        Assert.Throws<FormatException>(() => Ipv4Address.Parse(text));
    }

    [Fact]
    public void Any_address_is_the_same_number_and_text_as_in_the_class_library() => Gen.UInt.Always(value =>
    {
        var address = new Ipv4Address(value);
        var reference = IPAddress.Parse(address.ToString());
        Assert.Equal(reference, address.ToIPAddress());
        Assert.Equal(reference.ToString(), address.ToString());
        Assert.True(Ipv4Address.TryParse(address.ToString(), out var read));
        Assert.Equal(address, read);
        Assert.True(Ipv4Address.TryFrom(reference, out var converted));
        Assert.Equal(address, converted);
    });

    [Fact]
    public void Text_is_an_address_only_if_the_class_library_writes_it_so() => Texts.Always(text =>
    {
        var canonical = IPAddress.TryParse(text, out var reference) && reference.ToString() == text
            && !text.Contains(':', StringComparison.Ordinal);
        Assert.Equal(canonical, Ipv4Address.TryParse(text, out var address));
        if (canonical) Assert.Equal(reference, address.ToIPAddress());
    }, times: 60_000);

    [Theory]
    [InlineData("fc00::1")]
    [InlineData("::ffff:10.24.5.0")]
    public void An_IPv6_address_of_the_class_library_is_not_converted(string text) =>
        Assert.False(Ipv4Address.TryFrom(IPAddress.Parse(text), out _));

    [Fact]
    public void Addresses_are_ordered_as_numbers_without_sign() => Gen.Select(Gen.UInt, Gen.UInt).Always(pair =>
    {
        var (left, right) = (new Ipv4Address(pair.Item1), new Ipv4Address(pair.Item2));
        Assert.Equal(pair.Item1.CompareTo(pair.Item2), left.CompareTo(right));
        Assert.Equal(pair.Item1 < pair.Item2, left < right);
        Assert.Equal(pair.Item1 > pair.Item2, left > right);
        Assert.Equal(pair.Item1 <= pair.Item2, left <= right);
        Assert.Equal(pair.Item1 >= pair.Item2, left >= right);
    });

    private static Gen<string> Texts =>
        Hostile.Text("0123456789.", "0", "1", "9", "10", "25", "255", "256", "00", ".", "..", "10.24.5.0", "255.255.255.255", "0x1");
}
