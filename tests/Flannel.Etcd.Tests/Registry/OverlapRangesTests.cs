using System.Text;
using CsCheck;
using Etcdserverpb;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;
using Google.Protobuf;

namespace Flannel.Etcd.Tests.Registry;

public sealed class OverlapRangesTests(SharedEtcd shared)
{
    private const int ShortestSubnetLength = 1;
    private const int LongestSubnetLength = 30;

    // etcd's default of --max-txn-ops, less the compare of the configuration.
    private const int MaxCompares = 128 - 1;

    private static readonly EtcdKeys Keys = EtcdKeys.Parse("/coreos.com/network").Value;

    private static readonly Ipv6Network DualStack = new((UInt128)0xfc00 << 112, 64);

    private static readonly Gen<Ipv4Address> Addresses = Gen.UInt.Select(value => new Ipv4Address(value));

    // Lengths of keys as SubnetKey reads them.
    private static readonly Gen<int> KeyLengths = Gen.Int[0, 31];

    public static TheoryData<int> SubnetLengths => [.. Enumerable.Range(ShortestSubnetLength, LongestSubnetLength)];

    [Theory]
    [MemberData(nameof(SubnetLengths))]
    public void A_key_is_in_a_range_exactly_if_its_subnet_overlaps(int length) =>
        Gen.Select(Addresses, Gen.UInt, KeyLengths, Gen.Int[0, 4], Gen.Bool).Sample(
            (address, bits, keyLength, near, dual) =>
            {
                var subnet = new Ipv4Network(address, length);
                var key = new SubnetKey(new Ipv4Network(Adjacent(subnet, bits, near), keyLength), dual ? DualStack : null).ToString();
                Assert.Equal(Overlaps(subnet, key), IsCovered(OverlapRanges.Of(Keys, subnet), key));
            },
            iter: 5_000);

    [Theory]
    [MemberData(nameof(SubnetLengths))]
    public void Every_value_of_the_octet_that_a_length_divides_is_in_a_range_exactly_if_it_is_inside(int length)
    {
        var octet = (length - 1) / 8;
        foreach (var address in (string[])["10.24.5.77", "0.0.0.0", "255.255.255.255", "172.16.13.130", "100.1.10.19", "192.168.199.2"])
        {
            var subnet = new Ipv4Network(Ipv4Address.Parse(address), length);
            var ranges = OverlapRanges.Of(Keys, subnet);
            for (var value = 0; value < 256; value++)
            {
                var octets = subnet.Address.ToString().Split('.');
                octets[octet] = $"{value}";
                var key = $"{string.Join('.', octets)}-31";
                Assert.True(Overlaps(subnet, key) == IsCovered(ranges, key), $"{key} and {subnet}");
            }
        }
    }

    [Fact]
    public void There_are_never_more_ranges_than_a_transaction_may_compare() =>
        Gen.Select(Addresses, Gen.Int[ShortestSubnetLength, LongestSubnetLength]).Sample(
            (address, length) => Assert.InRange(OverlapRanges.Of(Keys, new Ipv4Network(address, length)).Count, 1, MaxCompares));

    [Fact]
    public void The_usual_subnet_needs_one_range_for_its_inside()
    {
        var ranges = OverlapRanges.Of(Keys, Ipv4Network.Parse("10.24.5.0/24"));
        Assert.Contains(ranges, range => range.Key.ToStringUtf8() == "/coreos.com/network/subnets/10.24.5."
            && range.End.ToStringUtf8() == "/coreos.com/network/subnets/10.24.5/");
        Assert.Contains(ranges, range => range.Key.ToStringUtf8() == "/coreos.com/network/subnets/10.24.4.0-22");
    }

    /// <summary>The transaction in a real etcd: it accepts this number of compares, and fails for an overlapping key of any
    /// length.</summary>
    [Theory]
    [MemberData(nameof(SubnetLengths))]
    public async Task A_lease_is_created_in_etcd_exactly_if_no_overlapping_key_exists(int length)
    {
        var fixture = shared.CreateFixture();
        // As text 13, 19 and 130 are between 128 and 199; as numbers only 130 is.
        foreach (var (own, keys) in new[]
        {
            ("10.130.141.150", new[] { "10.130.141.150-31", "10.13.141.150-31", "10.130.14.150-31", "10.130.141.15-31" }),
            ("10.24.5.64", ["0.0.0.0-0", "10.0.0.0-8", "10.24.0.0-16", "10.24.4.0-22", "10.24.5.0-24&fc00::-64", "10.128.0.0-9"]),
            ("10.24.5.200", ["10.24.5.255-30", "10.24.5.199-31", "10.24.127.0-24", "10.24.128.0-24", "10.127.0.0-16", "11.0.0.0-8"]),
        })
        {
            foreach (var key in keys) await AssertCreatesExactlyIfFreeAsync(fixture, new Ipv4Network(Ipv4Address.Parse(own), length), key);
        }
    }

    private static async Task AssertCreatesExactlyIfFreeAsync(RegistryFixture fixture, Ipv4Network subnet, string key)
    {
        await fixture.PutLeaseAsync(key, "");
        var own = fixture.Keys.Lease(new SubnetKey(subnet));
        var request =
            new TxnRequest { Success = { new RequestOp { RequestPut = new PutRequest { Key = own, Value = ByteString.Empty } } } };
        request.Compare.Add(OverlapRanges.Absent(fixture.Keys, subnet));
        var response = await fixture.Direct.TxnAsync(request, TestContext.Current.CancellationToken);
        Assert.True(response.Succeeded != Overlaps(subnet, key),
            $"{subnet} {(response.Succeeded ? "created" : "not created")} while {key} exists");
        await fixture.DeleteAsync(fixture.Keys.Subnets + key);
        await fixture.DeleteAsync(own.ToStringUtf8());
    }

    /// <summary>An independent implementation: compares the bits that both prefixes have, one by one.</summary>
    private static bool Overlaps(Ipv4Network subnet, string key)
    {
        var text = key.Split('&')[0].Split('-');
        var octets = Array.ConvertAll(text[0].Split('.'), byte.Parse);
        var common = Math.Min(subnet.Length, int.Parse(text[1], System.Globalization.CultureInfo.InvariantCulture));
        for (var bit = 0; bit < common; bit++)
        {
            var left = subnet.Address.Value >> (31 - bit) & 1;
            var right = octets[bit / 8] >> (7 - bit % 8) & 1;
            if (left != right) return false;
        }

        return true;
    }

    private static bool IsCovered(IReadOnlyList<KeyRange> ranges, string key)
    {
        var bytes = Encoding.UTF8.GetBytes(Keys.Subnets + key);
        return ranges.Any(range => range.Key.Span.SequenceCompareTo(bytes) <= 0 && bytes.AsSpan().SequenceCompareTo(range.End.Span) < 0);
    }

    /// <summary>An address inside the subnet, one that differs from such an address in one bit, or any address. All three kinds are
    /// frequent.</summary>
    private static Ipv4Address Adjacent(Ipv4Network subnet, uint bits, int near)
    {
        if (near == 0) return new Ipv4Address(bits);
        var inside = subnet.Address.Value | (subnet.Length == 32 ? 0 : bits >> subnet.Length);
        return new Ipv4Address(near < 3 ? inside : inside ^ (1u << (int)(bits % 32)));
    }
}
