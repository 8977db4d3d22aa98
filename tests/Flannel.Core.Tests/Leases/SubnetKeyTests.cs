using CsCheck;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.Core.Tests.Leases;

public sealed class SubnetKeyTests
{
    [Theory]
    // The first two are upstream's TestSubnetNodev4 and TestSubnetNodev6.
    [InlineData("10.12.13.0-24", "10.12.13.0/24", null)]
    [InlineData("10.12.13.0-24&fd00:12:13::-56", "10.12.13.0/24", "fd00:12:13::/56")]
    [InlineData("10.24.5.0-24", "10.24.5.0/24", null)]
    [InlineData("10.24.5.0-24&fc00::-64", "10.24.5.0/24", "fc00::/64")]
    [InlineData("10.24.5.0-24&fc00:0:0:1::-64", "10.24.5.0/24", "fc00:0:0:1::/64")]
    [InlineData("10.24.5.4-30", "10.24.5.4/30", null)]
    [InlineData("10.24.5.0-24&fe80::5efe:a00:0-112", "10.24.5.0/24", "fe80::5efe:a00:0/112")]
    [InlineData("255.255.255.254-31&ffff::-127", "255.255.255.254/31", "ffff::/127")]
    public void A_key_of_upstream_is_read_and_written_back(string text, string subnet, string? ipv6)
    {
        Assert.True(SubnetKey.TryParse(text, out var key));
        Assert.Equal(subnet, key.Subnet.ToString());
        Assert.Equal(ipv6, key.Ipv6Subnet?.ToString());
        Assert.Equal(text, key.ToString());
    }

    [Theory]
    // Upstream's TestSubnetNodeInvalid.
    [InlineData("10")]
    [InlineData("10.12.13.0")]
    [InlineData("10.12.13-24")]
    [InlineData("10.12.13.300-24")]
    [InlineData("10.12.13.0-24hi")]
    [InlineData("&2001::-56")]
    [InlineData("10.12.13.0-24&:12:13:-56")]
    [InlineData("10.12.13.0-24&20011::-56")]
    [InlineData("10.12.13.0-24&2001-56")]
    [InlineData("10.12.13.0-24&2001::")]
    [InlineData("10.12.13.0-24&2001::-56hi")]
    // Upstream reads the lengths as 5 and 7 bits.
    [InlineData("10.12.13.0-32")]
    [InlineData("10.12.13.0-24&2001::-128")]
    // Upstream reads some of these, but writes them to a key with another name.
    [InlineData("")]
    [InlineData("10.12.13.1-24")]
    [InlineData("10.12.13.0-024")]
    [InlineData("010.12.13.0-24")]
    [InlineData("10.12.13.0/24")]
    [InlineData("10.12.13.0--24")]
    [InlineData("x10.12.13.0-24")]
    [InlineData("subnets/10.12.13.0-24")]
    [InlineData(" 10.12.13.0-24")]
    [InlineData("10.12.13.0-24\n")]
    [InlineData("10.12.13.0-24&")]
    [InlineData("10.12.13.0-24&2001::-56&")]
    [InlineData("10.12.13.0-24&2001::-56&2002::-56")]
    [InlineData("10.12.13.0-24&2001::1-56")]
    [InlineData("10.12.13.0-24&2001::-056")]
    [InlineData("10.12.13.0-24&2001:0::-56")]
    [InlineData("10.12.13.0-24&FC00::-56")]
    [InlineData("10.12.13.0-24&fc00::%1-56")]
    [InlineData("10.12.13.0-24&::10.0.0.0-104")]
    [InlineData("fc00::-64")]
    public void Any_other_text_is_not_a_lease(string text)
    {
        Assert.False(SubnetKey.TryParse(text, out var key));
        Assert.Equal(default, key);
    }

    [Fact]
    public void A_subnet_and_its_key_convert_into_each_other() =>
        Gen.Select(Gen.UInt, Gen.Int[2, 30], Gen.UInt128, Gen.Int[0, 127], Gen.Bool).Always(sample =>
        {
            var (address, length, address6, length6, dual) = sample;
            var key = new SubnetKey(new Ipv4Network(new Ipv4Address(address), length), dual ? new Ipv6Network(address6, length6) : null);
            Assert.True(SubnetKey.TryParse(key.ToString(), out var read));
            Assert.Equal(key, read);
        });

    [Fact]
    public void A_key_is_written_back_as_the_same_text() =>
        Hostile.Text(
                "0123456789.-&abcdef:", "10.24.5.0", "-", "24", "&", "fc00::", "64", "10.24.5.0-24", "10.24.5.0-24&fc00::-64",
                "10.24.5.0-24&fc00:0:0:1::-64")
            .Always(text =>
            {
                if (SubnetKey.TryParse(text, out var key)) Assert.Equal(text, key.ToString());
            }, times: 40_000);
}
