using System.Net;
using AliCloud.Simulator.Api;
using AliCloud.Simulator.State;
using CsCheck;

namespace AliCloud.Simulator.Tests;

/// <summary>Text in requests. 1000 cases of PCG stream 1, seed 1.</summary>
public sealed class WireTextTests
{
    [Fact]
    public void Every_value_is_transferred_unchanged_in_the_query()
    {
        var (pcg, texts) = (new PCG(1, 1), Gen.String);
        for (var n = 0; n < 1000; n++)
        {
            var text = texts.Generate(pcg, null, out _);
            if (text.Any(char.IsSurrogate)) continue; // half of a surrogate pair has no UTF-8 encoding
            var parsed = RawQuery.Parse($"a={Uri.EscapeDataString(text)}&b=");
            Assert.NotNull(parsed);
            Assert.Equal((text, ""), (parsed["a"], parsed["b"]));
        }
    }

    [Theory]
    [InlineData("a=%")]
    [InlineData("a=%2")]
    [InlineData("a=%zz")]
    [InlineData("a=1&a=2")]
    [InlineData("a=1&%61=2")]
    [InlineData("a=é")]
    public void A_malformed_query_is_rejected(string query) => Assert.Null(RawQuery.Parse(query));

    [Fact]
    public void Ranges_are_parsed_and_formatted_like_IPNetwork()
    {
        var (pcg, numbers) = (new PCG(1, 1), Gen.Select(Gen.UInt, Gen.Int[0, 32]));
        for (var n = 0; n < 1000; n++)
        {
            var (address, length) = numbers.Generate(pcg, null, out _);
            var text = $"{Cidr.Write(address)}/{length}";
            Assert.True(Cidr.TryParse(text, out var cidr, out var hasHostBits), text);
            var same = IPNetwork.Parse(cidr.ToString());
            Assert.True(hasHostBits == !same.BaseAddress.Equals(IPAddress.Parse(Cidr.Write(address))), text);
            Assert.True(same.Contains(IPAddress.Parse(Cidr.Write(cidr.Last))) && cidr.Contains(address), text);
        }
    }

    [Theory]
    [InlineData("10.0.0.0")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0/8")]
    [InlineData("10.0.0.0/08")]
    [InlineData("010.0.0.0/8")]
    [InlineData("10.0.0.256/32")]
    [InlineData("10.0.0.0/33")]
    [InlineData(" 10.0.0.0/8")]
    [InlineData("0x0a.0.0.0/8")]
    [InlineData("+10.0.0.0/8")]
    public void An_almost_valid_range_is_rejected(string text) => Assert.False(Cidr.TryParse(text, out _, out _));
}
