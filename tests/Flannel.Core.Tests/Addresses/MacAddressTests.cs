using Flannel.Core.Addresses;

namespace Flannel.Core.Tests.Addresses;

public sealed class MacAddressTests
{
    [Theory]
    [InlineData("0e:aa:bb:cc:dd:02")]
    [InlineData("0E:AA:bb:CC:DD:02")]
    [InlineData("0e-aa-bb-cc-dd-02")]
    [InlineData("0eaa.bbcc.dd02")]
    public void The_forms_of_Go_are_read_and_written_with_colons(string text) =>
        Assert.Equal("0e:aa:bb:cc:dd:02", MacAddress.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("0e:aa:bb:cc:dd")]
    [InlineData("0e:aa:bb:cc:dd:0")]
    [InlineData("0e:aa:bb:cc:dd:0g")]
    [InlineData("0e:aa:bb-cc:dd:02")]
    [InlineData("0e.aa.bb.cc.dd.02")]
    [InlineData("0e:aa:bb:cc:dd:02:03:04")]
    [InlineData("0eaa:bbcc:dd02")]
    [InlineData("0eaa.bbcc.dd0 ")]
    public void Other_text_is_not_an_address(string text)
    {
        Assert.False(MacAddress.TryParse(text, out _));
        Assert.Throws<FormatException>(() => MacAddress.Parse(text));
    }

    [Theory]
    [InlineData("0e:aa:bb:cc:dd:02", true)]
    [InlineData("00:00:00:00:00:00", false)]
    [InlineData("ff:ff:ff:ff:ff:ff", false)]
    [InlineData("33:33:00:00:00:01", false)]
    public void Only_an_address_of_an_interface_is_unicast(string text, bool isUnicast) =>
        Assert.Equal(isUnicast, MacAddress.Parse(text).IsUnicast);

    [Fact]
    public void A_random_address_is_unicast_and_locally_administered()
    {
        var random = new Random(1);
        var addresses = Enumerable.Range(0, 1000).Select(_ => MacAddress.CreateLocal(random)).ToHashSet();
        Assert.Equal(1000, addresses.Count);
        Assert.All(addresses, address => Assert.Equal(2UL, address.Value >> 40 & 3));
        Assert.All(addresses, address => Assert.True(address.IsUnicast));
    }
}
