using CsCheck;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Planning;
using static Flannel.RouteController.Tests.Support.Plans;

namespace Flannel.RouteController.Tests.Planning;

/// <summary>Compares the plan with a slow reference that states each rule by itself, for small inputs that combine all kinds of
/// entries.</summary>
public sealed class RoutePlanPropertyTests
{
    /// <summary>Fixed, so that a failure can be reproduced. CsCheck prints the seed of a failing case.</summary>
    private const string Seed = "0005vQ2mXe7T";

    /// <summary><c>./build.sh mutate</c> sets <c>FLANNEL_TEST_VALUES</c>, because it runs each test many times.</summary>
    private static readonly int Inputs = Environment.GetEnvironmentVariable("FLANNEL_TEST_VALUES") is null ? 20_000 : 2_000;

    private sealed record PlanCase(List<DesiredRoute> Desired, List<IpNetwork> Excluded, List<RouteEntry> Entries, bool ServesNoNode);

    /// <summary>Prefixes of /22 to /26 at the start of the network, most of which overlap, and a few others.</summary>
    private static readonly Gen<string> Destination = Gen.Frequency(
        (12, Gen.Select(Gen.Int[0, 7], Gen.Int[22, 26], (third, length) =>
            new Ipv4Network(new Ipv4Address((10u << 24) | (24u << 16) | ((uint)third << 8)), length).ToString())),
        (1, Gen.OneOf("0.0.0.0/0", "10.24.0.0/16", "10.24.0.0/15", "10.0.0.0/8", "10.25.0.0/24", "10.25.8.0/24", "10.23.255.0/24",
            "fd00::/64", "pl-1")));

    private static readonly Gen<RouteEntry> AnyEntry = Gen.Select(
        Destination, Gen.OneOf("i-1", "i-2", "i-3", "eni-i-1", "i-1,i-2", "vpn-1", ""), Gen.OneOf("", "ours", "ours", "half", "theirs"),
        Gen.Frequency((5, Gen.Const(RouteEntryStatus.Available)), (1, Gen.Enum<RouteEntryStatus>())),
        Gen.Frequency((6, Gen.Const(true)), (1, Gen.Const(false))),
        (destination, hops, mark, status, custom) => mark == "half"
            ? Entry(destination, hops, "ours", status, custom) with { Description = "renamed" }
            : Entry(destination, hops, mark, status, custom));

    private static readonly Gen<PlanCase> AnyCase = Gen.Select(
        Gen.Select(Gen.Int[0, 9], Gen.Int[1, 3], Gen.Bool).Array[0, 6], Destination.Array[0, 2], AnyEntry.Array[0, 8], Gen.Int[0, 4],
        (desired, excluded, entries, kind) => new PlanCase(
            // Leases never overlap; 8 and 9 lie outside the network.
            [.. desired.DistinctBy(route => route.Item1).Select(route =>
                Desired($"10.{(route.Item1 < 8 ? 24 : 25)}.{route.Item1}.0/24", $"i-{route.Item2}", primary: route.Item3))],
            [.. excluded.Where(r => IpNetwork.TryParse(r, out _)).Select(IpNetwork.Parse)],
            // The API allows one entry per destination and table.
            [.. entries.DistinctBy(entry => entry.DestinationText)], ServesNoNode: kind == 0));

    [Fact]
    public void The_plan_equals_the_reference() => AnyCase.Sample(input =>
    {
        var actions = PlanFor(input);
        Assert.Equal(Reference(input), actions.Select(Describe).Order(StringComparer.Ordinal));
    }, seed: Seed, iter: Inputs, print: Print);

    [Fact]
    public void Writes_concern_the_network_and_leases_only_and_never_the_default_route_or_unmanaged_entries() => AnyCase.Sample(input =>
    {
        foreach (var action in PlanFor(input))
        {
            Assert.True(action.Destination.Length > 0, Describe(action));
            Assert.True(
                IsInNetwork(action.Destination) || input.Desired.Any(desired => desired.Destination == action.Destination),
                Describe(action));
            if (action is RouteAction.Delete { Entry: var stale })
            {
                Assert.True(IsOurs(stale) && MayBeChanged(stale) && stale.Status == RouteEntryStatus.Available);
                Assert.DoesNotContain(input.Desired, desired => desired.Destination == stale.Destination);
                Assert.DoesNotContain(input.Excluded, subnet => subnet.Overlaps(stale.Destination!.Value));
            }

            if (action is RouteAction.Update { Entry: var entry })
            {
                Assert.NotEqual(Theirs.Token, entry.Name);
                Assert.True(MayBeChanged(entry) && entry.Status == RouteEntryStatus.Available);
                Assert.Contains(input.Desired, desired => desired.Destination == entry.Destination);
            }

            if (action is RouteAction.Mark { Entry: var marked })
                Assert.Contains(input.Desired, desired => desired.Destination == marked.Destination && desired.IsSatisfiedBy(marked));
        }
    }, seed: Seed, iter: Inputs, print: Print);

    [Fact]
    public void A_second_plan_has_no_writes() => AnyCase.Sample(input =>
    {
        var after = input with { Entries = Execute(input, PlanFor(input)) };
        var again = PlanFor(after);
        Assert.DoesNotContain(
            again, action => action is RouteAction.Create or RouteAction.Update or RouteAction.Mark or RouteAction.Delete);
        // Unmanaged entries have not changed.
        foreach (var entry in input.Entries.Where(entry =>
            entry.Destination is not { } d || !(IsInNetwork(d) || input.Desired.Any(route => route.Destination == d))))
            Assert.Contains(entry, after.Entries);
        foreach (var entry in input.Entries.Where(entry => entry.NextHops.Any(hop => hop.Type == "VpnGateway")))
            Assert.Contains(entry, after.Entries);
    }, seed: Seed, iter: Inputs, print: Print);

    private static IReadOnlyList<RouteAction> PlanFor(PlanCase input) =>
        For(input.Desired, input.Entries, [.. input.Excluded.Select(r => r.ToString())], input.ServesNoNode);

    private static bool IsInNetwork(IpNetwork destination) =>
        destination.Length >= 16 && destination.Address.Value >> 16 == ((10u << 8) | 24u);

    /// <summary>The expected actions, one rule at a time.</summary>
    private static IEnumerable<string> Reference(PlanCase input)
    {
        IEnumerable<DesiredRoute> missing = input.ServesNoNode
            ? []
            : input.Desired.Where(route => input.Entries.All(entry => entry.DestinationText != route.Destination.ToString()));
        return missing.Select(route => $"Create {route.Destination}")
            .Concat(input.Entries.Select(entry => ReferenceFor(entry, input)).OfType<string>()).Order(StringComparer.Ordinal);
    }

    private static string? ReferenceFor(RouteEntry entry, PlanCase input)
    {
        if (entry.Destination is not { } destination || (input.ServesNoNode && !IsOurs(entry))) return null;
        var isExcluded = input.Excluded.Any(subnet => subnet.Contains(destination) || destination.Contains(subnet));
        if (input.Desired.SingleOrDefault(route => route.Destination == destination) is { } desired)
            return ReferenceForDesired(entry, desired, isExcluded);
        if (isExcluded || !IsInNetwork(destination)) return null;
        if (IsOurs(entry) && MayBeChanged(entry)) return $"{(IsInTransition(entry) ? "KeepInTransition" : "Delete")} {destination}";
        if (input.ServesNoNode) return null;
        if (input.Desired.Any(route => route.Destination.Contains(destination))) return $"Conflict Narrower {destination}";
        if (input.Desired.Any(route => destination.Contains(route.Destination))) return $"Conflict Wider {destination}";
        return $"Conflict {(IsTheirs(entry) ? "OtherCluster" : "Unmanaged")} {destination}";
    }

    private static string ReferenceForDesired(RouteEntry entry, DesiredRoute desired, bool isExcluded)
    {
        var destination = desired.Destination;
        if (entry.IsCustom && IsInTransition(entry)) return $"KeepInTransition {destination}";
        if (entry.NextHops.Count == 1 && entry.NextHops[0] == desired.NextHop)
        {
            var isMarked = entry.IsCustom && (IsTheirs(entry) || (IsOurs(entry) && entry.Description != Ours.Description)
                || entry is { Name: "", Description: "" });
            return $"{(isMarked ? "Mark" : "Keep")} {destination}";
        }

        return !MayBeChanged(entry) || isExcluded || IsTheirs(entry) ? $"Conflict Occupied {destination}" : $"Update {destination}";
    }

    /// <summary>The table after every action has been executed.</summary>
    private static List<RouteEntry> Execute(PlanCase input, IReadOnlyList<RouteAction> actions)
    {
        var entries = input.Entries.ToList();
        foreach (var action in actions)
        {
            switch (action)
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

    private static bool IsTheirs(RouteEntry entry) => entry.Name == Theirs.Token;

    private static bool IsInTransition(RouteEntry entry) => entry.Status != RouteEntryStatus.Available;

    /// <summary>Whether type and next hops allow a change: one node, or an entry of this cluster without a next hop.</summary>
    private static bool MayBeChanged(RouteEntry entry) => entry.IsCustom
        && (entry.NextHops.Count == 1 && entry.NextHops[0].Type is "Instance" or "NetworkInterface"
            || entry.NextHops.Count == 0 && IsOurs(entry));

    private static string Describe(RouteAction action) =>
        action is RouteAction.Conflict conflict
            ? $"Conflict {conflict.Kind} {action.Destination}"
            : $"{action.GetType().Name} {action.Destination}";

    private static string Print(PlanCase input) =>
        $"desired {string.Join(", ", input.Desired.Select(route => $"{route.Destination}->{route.NextHop.Id}"))}; "
        + $"excluded {string.Join(", ", input.Excluded)}; "
        + $"entries {string.Join(", ", input.Entries.Select(PrintEntry))}; servesNoNode {input.ServesNoNode}";

    private static string PrintEntry(RouteEntry entry) =>
        $"{entry.DestinationText}->{string.Join('+', entry.NextHops.Select(hop => hop.Id))} '{entry.Name}' {entry.Status} "
        + $"custom={entry.IsCustom}";
}
