using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flanneld.Options;

namespace Flanneld.Host.Interfaces;

/// <summary>The interface between the hosts, and the addresses that belong to it.</summary>
/// <param name="Address">The interface's own address.</param>
/// <param name="PublicIp">The address by which other nodes reach this one: <c>--public-ip</c>, or <paramref name="Address"/>.</param>
internal sealed record SelectedInterface(HostInterface Interface, Ipv4Address Address, Ipv4Address PublicIp)
{
    /// <summary>The interface's own IPv6 address: that of <c>--public-ipv6</c> if it has it, or its preferred one; null without
    /// one.</summary>
    public IpAddress? Ipv6Address { get; init; }
}

/// <summary>The addresses by which other nodes reach this one, as an operator gave them.</summary>
/// <param name="V4">Null if it is not given.</param>
/// <param name="V6">Null if it is not given.</param>
internal sealed record PublicAddresses(Ipv4Address? V4, IpAddress? V6);

/// <summary>Selects the interface by upstream's rules (<c>pkg/ipmatch/match.go</c>, <c>main.go</c>): <c>--iface</c>, then
/// <c>--iface-regex</c>, then <c>--iface-can-reach</c>, each in the order given; with none of them the interface that has the address of
/// <c>--public-ip</c>, or that of the default route. An empty <c>--iface</c> or <c>--iface-regex</c> means that of the default route, too.
/// Loopback is selected only if <c>--iface</c> names it: no other host reaches it.</summary>
/// <param name="readRoutes">Reads <c>/proc/net/route</c>; null if it cannot be read.</param>
/// <param name="findSourceTo">The source address that the kernel uses to a target; null without a route.</param>
internal sealed class InterfaceSelection(
    IReadOnlyList<HostInterface> interfaces, Func<string?> readRoutes, Func<Ipv4Address, Ipv4Address?> findSourceTo)
{
    private IEnumerable<HostInterface> Others => interfaces.Where(candidate => !candidate.IsLoopback);

    public static InterfaceSelection OfThisHost() => Among(HostInterface.ReadAll());

    /// <param name="interfaces">Those of this host.</param>
    public static InterfaceSelection Among(IReadOnlyList<HostInterface> interfaces) =>
        new(interfaces, DefaultRoute.ReadTable, FindSourceTo);

    public Result<SelectedInterface> Select(DaemonOptions options) =>
        Select(options, new PublicAddresses(options.PublicIp, options.PublicIpv6));

    /// <param name="given">In place of those of the flags.</param>
    public Result<SelectedInterface> Select(DaemonOptions options, PublicAddresses given)
    {
        if (Find(options, given.V4) is not { } match) return Result.Failure(DescribeNoMatch(options, given.V4));
        var chosen = match.Interface;
        if (match.Address is null && chosen.Addresses.Count == 0) return Result.Failure($"interface {chosen.Name} has no IPv4 address");
        if (chosen.Mtu <= 0) return Result.Failure($"the MTU of interface {chosen.Name} is unknown");
        var own = match.Address ?? chosen.PreferredAddresses.First();
        return new SelectedInterface(chosen, own, given.V4 ?? own) { Ipv6Address = SelectIpv6Address(chosen, given.V6) };
    }

    /// <summary>Whether the node needs one depends on the network configuration, which is read later.</summary>
    private static IpAddress? SelectIpv6Address(HostInterface chosen, IpAddress? given)
    {
        if (given is { } address && chosen.Ipv6Addresses.Contains(address)) return address;
        return chosen.Ipv6Addresses.Count > 0 ? chosen.Ipv6Addresses[0] : null;
    }

    private static bool IsRequested(DaemonOptions options) =>
        options.Interfaces.Count > 0 || options.InterfaceRegexes.Count > 0 || options.InterfaceCanReach is not null;

    private Match? Find(DaemonOptions options, Ipv4Address? publicIp)
    {
        if (IsRequested(options)) return FindNamed(options) ?? FindMatching(options) ?? FindReaching(options);
        return publicIp is { } address ? FindByAddress(address, Others) : FindByDefaultRoute();
    }

    private string DescribeNoMatch(DaemonOptions options, Ipv4Address? publicIp)
    {
        var existing = $"this host has {string.Join(", ", interfaces)}";
        if (IsRequested(options)) return $"no interface matches {DescribeRequest(options)}; {existing}";
        return publicIp is { } address
            ? $"no interface has the address of --public-ip {address}: add --iface; {existing}"
            : $"no default route to select an interface by: add --iface; {existing}";
    }

    private Match? FindNamed(DaemonOptions options)
    {
        foreach (var name in options.Interfaces)
        {
            var found = FindNamed(name);
            // An interface without an address is skipped, so that the next --iface is tried.
            if (found is not null && (found.Address is not null || found.Interface.Addresses.Count > 0)) return found;
        }

        return null;
    }

    private Match? FindNamed(string name)
    {
        if (name.Length == 0) return FindByDefaultRoute();
        return Ipv4Address.TryParse(name, out var address) ? FindByAddress(address, interfaces) : FindByName(name);
    }

    private Match? FindMatching(DaemonOptions options)
    {
        foreach (var pattern in options.InterfaceRegexes)
        {
            var found = pattern.Length == 0 ? FindByDefaultRoute() : FindByPattern(InterfacePattern.Compile(pattern));
            if (found is not null) return found;
        }

        return null;
    }

    /// <summary>As upstream all addresses first, then all names. Unlike upstream, a link-local address of one interface comes after another
    /// address of another interface.</summary>
    private Match? FindByPattern(Regex regex)
    {
        var byAddress = Others.SelectMany(
            candidate => candidate.PreferredAddresses.Where(address => IsMatch(regex, address.ToString())),
            (candidate, address) => (Interface: candidate, Address: address));
        if (byAddress.OrderBy(match => HostInterface.IsLinkLocal(match.Address)).ToList() is [var best, ..])
            return new Match(best.Interface, best.Address);
        var byName = Others.Where(candidate => candidate.Addresses.Count > 0 && IsMatch(regex, candidate.Name));
        return byName.OrderBy(candidate => candidate.HasOnlyLinkLocal).FirstOrDefault() is { } named ? new Match(named, null) : null;
    }

    private Match? FindReaching(DaemonOptions options) =>
        options.InterfaceCanReach is { } target && findSourceTo(target) is { } source ? FindByAddress(source, Others) : null;

    private Match? FindByName(string name) =>
        interfaces.FirstOrDefault(candidate => candidate.Name == name) is { } found ? new Match(found, null) : null;

    private static Match? FindByAddress(Ipv4Address address, IEnumerable<HostInterface> among) =>
        among.FirstOrDefault(candidate => candidate.Addresses.Contains(address)) is { } found ? new Match(found, address) : null;

    private Match? FindByDefaultRoute()
    {
        var name = DefaultRoute.Find(readRoutes() ?? "");
        return Others.FirstOrDefault(candidate => candidate.Name == name) is { } found ? new Match(found, null) : null;
    }

    private static bool IsMatch(Regex regex, string text)
    {
        try
        {
            return regex.IsMatch(text);
        }
        catch (RegexMatchTimeoutException)
        {
            return false;
        }
    }

    private static string DescribeRequest(DaemonOptions options) => string.Join(
        ' ',
        options.Interfaces.Select(name => $"--iface={Redaction.Value(name)}")
            .Concat(options.InterfaceRegexes.Select(pattern => $"--iface-regex={Redaction.Value(pattern)}"))
            .Concat(options.InterfaceCanReach is { } target ? [$"--iface-can-reach={target}"] : []));

    /// <summary>Connects a UDP socket, which sends no packet. The kernel applies policy routing.</summary>
    private static Ipv4Address? FindSourceTo(Ipv4Address target)
    {
        // Any port: connect(2) only looks up the route.
        const int anyPort = 9;
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Connect(new IPEndPoint(target.ToIPAddress(), anyPort));
            return Ipv4Address.TryFrom(((IPEndPoint)socket.LocalEndPoint!).Address, out var source) ? source : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <param name="Address">Null to use the interface's preferred address.</param>
    private sealed record Match(HostInterface Interface, Ipv4Address? Address);
}
