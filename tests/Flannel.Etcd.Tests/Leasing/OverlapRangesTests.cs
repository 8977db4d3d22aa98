using CsCheck;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd.Leasing;

namespace Flannel.Etcd.Tests.Leasing;

public sealed class OverlapRangesTests
{
    private static readonly EtcdKeys Keys = EtcdKeys.TryCreate("/coreos.com/network", out var keys, out _) ? keys : throw new InvalidOperationException();

    private static readonly Gen<Ipv4Network> Networks =
        Gen.Select(Gen.UInt[0x0A180000, 0x0A1807FF], Gen.Int[18, 30]).Select((address, length) => new Ipv4Network(new Ipv4Address(address), length));

    [Fact]
    public void A_key_is_in_a_range_exactly_if_its_subnet_overlaps() =>
        Gen.Select(Networks, Networks, Gen.Bool).Sample(
            (mine, theirs, dual) =>
            {
                // A /17 or a /25 has too many blocks of a byte; the inside is then covered by its base address only.
                if (mine.Length is 25 or 17) return;
                var key = Keys.Lease(new SubnetKey(theirs, dual ? new Ipv6Network((UInt128)0xfc00 << 112, 64) : null)).Span.ToArray();
                var covered = OverlapRanges.Of(Keys, mine, Ipv4Network.Parse("10.24.0.0/16"))
                    .Any(range => range.Key.Span.SequenceCompareTo(key) <= 0 && key.AsSpan().SequenceCompareTo(range.End.Span) < 0);
                Assert.Equal(mine.Overlaps(theirs), covered);
            },
            seed: "0000KOIPe036", iter: 20_000);

    [Fact]
    public void There_are_never_more_ranges_than_a_transaction_may_compare()
    {
        for (var length = 1; length <= 32; length++)
        {
            for (var network = 1; network <= length; network++)
            {
                var ranges = OverlapRanges.Of(Keys, new Ipv4Network(Ipv4Address.Parse("10.171.85.170"), length), new Ipv4Network(Ipv4Address.Parse("10.171.85.170"), network));
                Assert.InRange(ranges.Count, 1, 127);
            }
        }
    }

    [Fact]
    public void The_usual_subnet_needs_one_range_for_its_inside()
    {
        var ranges = OverlapRanges.Of(Keys, Ipv4Network.Parse("10.24.5.0/24"), Ipv4Network.Parse("10.24.0.0/16"));
        Assert.Contains(ranges, range => range.Key.ToStringUtf8() == "/coreos.com/network/subnets/10.24.5." && range.End.ToStringUtf8() == "/coreos.com/network/subnets/10.24.5/");
        Assert.Contains(ranges, range => range.Key.ToStringUtf8() == "/coreos.com/network/subnets/10.24.4.0-22");
    }
}
