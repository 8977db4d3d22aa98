using AliCloud.Simulator.State;
using CsCheck;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;
using static Flannel.RouteController.Tests.Support.Plans;

namespace Flannel.RouteController.Tests.Planning;

/// <summary>The plan against a reference that is slow and states each rule by itself, over small inputs that combine all kinds of
/// entries.</summary>
public sealed class RoutePlanPropertyTests
{
    /// <summary>Fixed, so that a failure can be seen again; CsCheck prints the seed of the failing case itself.</summary>
    private const string Seed = "0005vQ2mXe7T";

    private sealed record PlanCase(List<DesiredRoute> Wanted, List<Ipv4Network> Respected, List<RouteEntry> Entries, bool UpkeepOnly);

    /// <summary>Prefixes of 10.24.0.0/13 to /26 around one corner of the network, and a few others: overlaps are the rule.</summary>
    private static readonly Gen<string> Destination = Gen.Frequency(
        (12, Gen.Select(Gen.Int[0, 7], Gen.Int[22, 26], (third, length) =>
            new Ipv4Network(new Ipv4Address((10u << 24) | (24u << 16) | ((uint)third << 8)), length).ToString())),
        (1, Gen.OneOf("0.0.0.0/0", "10.24.0.0/16", "10.24.0.0/15", "10.0.0.0/8", "10.25.0.0/24", "10.25.8.0/24", "10.23.255.0/24",
            "fd00::/64", "pl-1")));

    private static readonly Gen<RouteEntry> AnEntry = Gen.Select(
        Destination, Gen.OneOf("i-1", "i-2", "i-3", "eni-i-1", "i-1,i-2", "vpn-1", ""), Gen.OneOf("", "ours", "ours", "half", "theirs"),
        Gen.Frequency((5, Gen.Const(RouteEntryStatus.Available)), (1, Gen.Enum<RouteEntryStatus>())),
        Gen.Frequency((6, Gen.Const(true)), (1, Gen.Const(false))),
        (destination, hops, mark, status, custom) => mark == "half"
            ? Entry(destination, hops, "ours", status, custom) with { Description = "renamed" }
            : Entry(destination, hops, mark, status, custom));

    private static readonly Gen<PlanCase> AnyCase = Gen.Select(
        Gen.Select(Gen.Int[0, 9], Gen.Int[1, 3], Gen.Bool).Array[0, 6], Destination.Array[0, 2], AnEntry.Array[0, 8], Gen.Int[0, 4],
        (wanted, respected, entries, upkeep) => new PlanCase(
            // Leases never overlap; 8 and 9 lie outside the network.
            [.. wanted.DistinctBy(w => w.Item1)
                .Select(w => Wanted(w.Item1 < 8 ? $"10.24.{w.Item1}.0/24" : $"10.25.{w.Item1}.0/24", $"i-{w.Item2}", w.Item3))],
            [.. respected.Where(r => Ipv4Network.TryParse(r, out _)).Select(Ipv4Network.Parse)],
            // The API allows one entry per destination and table.
            [.. entries.DistinctBy(entry => entry.DestinationText)], upkeep == 0));

    [Fact]
    public void The_plan_equals_the_reference() => AnyCase.Sample(input =>
    {
        var steps = PlanFor(input);
        Assert.Equal(Reference(input), steps.Select(Line).Order(StringComparer.Ordinal));
    }, seed: Seed, iter: 20_000, print: Print);

    [Fact]
    public void Writes_concern_the_network_and_leases_only_and_never_the_default_route_or_unmanaged_entries() => AnyCase.Sample(input =>
    {
        foreach (var step in PlanFor(input))
        {
            Assert.True(step.Destination.Length > 0, Line(step));
            Assert.True(Inside(step.Destination) || input.Wanted.Any(wanted => wanted.Destination == step.Destination), Line(step));
            if (step is RouteAction.Delete { Entry: var stale })
            {
                Assert.True(IsOurs(stale) && Changeable(stale) && stale.Status == RouteEntryStatus.Available);
                Assert.DoesNotContain(input.Wanted, wanted => wanted.Destination == stale.Destination);
                Assert.DoesNotContain(input.Respected, subnet => subnet.Overlaps(stale.Destination!.Value));
            }

            if (step is RouteAction.Update { Entry: var entry })
            {
                Assert.NotEqual(Theirs.Token, entry.Name);
                Assert.True(Changeable(entry) && entry.Status == RouteEntryStatus.Available);
                Assert.Contains(input.Wanted, wanted => wanted.Destination == entry.Destination);
            }

            if (step is RouteAction.Mark { Entry: var named })
                Assert.Contains(input.Wanted, wanted => wanted.Destination == named.Destination && wanted.IsServedBy(named));
        }
    }, seed: Seed, iter: 20_000, print: Print);

    [Fact]
    public void A_second_plan_has_no_writes() => AnyCase.Sample(input =>
    {
        var after = input with { Entries = Carry(input, PlanFor(input)) };
        var again = PlanFor(after);
        Assert.DoesNotContain(again, step => step is RouteAction.Create or RouteAction.Update or RouteAction.Mark or RouteAction.Delete);
        // Unmanaged entries have not changed.
        foreach (var entry in input.Entries.Where(entry =>
            entry.Destination is not { } d || !(Inside(d) || input.Wanted.Any(w => w.Destination == d))))
            Assert.Contains(entry, after.Entries);
        foreach (var entry in input.Entries.Where(entry => entry.NextHops.Any(hop => hop.Type == "VpnGateway")))
            Assert.Contains(entry, after.Entries);
    }, seed: Seed, iter: 20_000, print: Print);

    private static IReadOnlyList<RouteAction> PlanFor(PlanCase input) =>
        For(input.Wanted, input.Entries, [.. input.Respected.Select(r => r.ToString())], input.UpkeepOnly);

    private static bool Inside(Ipv4Network destination) =>
        destination.Length >= 16 && destination.Address.Value >> 16 == ((10u << 8) | 24u);

    /// <summary>Each rule by itself, each over everything.</summary>
    private static IEnumerable<string> Reference(PlanCase input)
    {
        var lines = new List<string>();
        var wanted = input.Wanted;
        foreach (var route in wanted)
        {
            if (!input.UpkeepOnly && input.Entries.All(entry => entry.DestinationText != route.Destination.ToString()))
                lines.Add($"Create {route.Destination}");
        }

        foreach (var entry in input.Entries)
        {
            if (entry.Destination is not { } d) continue;
            var ours = IsOurs(entry);
            var theirs = entry.Name == Theirs.Token;
            var plain = Changeable(entry);
            var moving = entry.Status != RouteEntryStatus.Available;
            var route = wanted.SingleOrDefault(w => w.Destination == d);
            if (route is null && !Inside(d)) continue;
            var respected = input.Respected.Any(r => r.Contains(d) || d.Contains(r));
            if (input.UpkeepOnly && !ours) continue;
            if (route is not null)
            {
                var right = entry.NextHops.Count == 1 && entry.NextHops[0] == route.NextHop;
                if (entry.IsCustom && moving) lines.Add($"KeepInTransition {d}");
                else if (right && entry.IsCustom && (theirs || (ours && entry.Description != Ours.Description))) lines.Add($"Mark {d}");
                else if (right) lines.Add($"Keep {d}");
                else if (!plain || respected || theirs) lines.Add($"Conflict Occupied {d}");
                else lines.Add($"Update {d}");
                continue;
            }

            if (respected) continue;
            if (ours && plain)
            {
                lines.Add(moving ? $"KeepInTransition {d}" : $"Delete {d}");
                continue;
            }

            if (input.UpkeepOnly) continue;
            if (wanted.Any(w => w.Destination.Contains(d))) lines.Add($"Conflict Narrower {d}");
            else if (wanted.Any(w => d.Contains(w.Destination))) lines.Add($"Conflict Wider {d}");
            else lines.Add($"Conflict {(theirs ? "OtherCluster" : "Unmanaged")} {d}");
        }

        return lines.Order(StringComparer.Ordinal);
    }

    /// <summary>The table after every step has been carried out and has settled.</summary>
    private static List<RouteEntry> Carry(PlanCase input, IReadOnlyList<RouteAction> steps)
    {
        var entries = input.Entries.ToList();
        foreach (var step in steps)
        {
            switch (step)
            {
                case RouteAction.Create create:
                    entries.Add(Entry(create.Destination.ToString(), create.Desired.NextHop.Id, "ours"));
                    break;
                case RouteAction.Update update:
                    entries[entries.IndexOf(update.Entry)] = Marked(update.Entry) with { NextHops = [update.Desired.NextHop] };
                    break;
                case RouteAction.Mark mark:
                    entries[entries.IndexOf(mark.Entry)] = Marked(mark.Entry);
                    break;
                case RouteAction.Delete delete:
                    entries.Remove(delete.Entry);
                    break;
            }
        }

        return entries;
    }

    private static RouteEntry Marked(RouteEntry entry) => entry with { Name = Ours.Token, Description = Ours.Description };

    private static bool IsOurs(RouteEntry entry) => entry.Name == Ours.Token;

    /// <summary>Whether type and next hop allow it: one node, or none at all of our own making.</summary>
    private static bool Changeable(RouteEntry entry) => entry.IsCustom
        && (entry.NextHops.Count == 1 && entry.NextHops[0].Type is "Instance" or "NetworkInterface"
            || entry.NextHops.Count == 0 && IsOurs(entry));

    private static string Line(RouteAction step) =>
        step is RouteAction.Conflict conflict
            ? $"Conflict {conflict.Kind} {step.Destination}"
            : $"{step.GetType().Name} {step.Destination}";

    private static string Print(PlanCase input) =>
        $"wanted {string.Join(", ", input.Wanted.Select(w => $"{w.Destination}->{w.NextHop.Id}"))}; "
        + $"respected {string.Join(", ", input.Respected)}; "
        + $"entries {string.Join(", ", input.Entries.Select(PrintEntry))}; upkeep {input.UpkeepOnly}";

    private static string PrintEntry(RouteEntry entry) =>
        $"{entry.DestinationText}->{string.Join('+', entry.NextHops.Select(hop => hop.Id))} '{entry.Name}' {entry.Status} "
        + $"custom={entry.IsCustom}";
}
