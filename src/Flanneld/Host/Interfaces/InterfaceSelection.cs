using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flanneld.Options;

namespace Flanneld.Host.Interfaces;

/// <summary>The interface between the hosts and the addresses that go with it, or one line that says why none was found.</summary>
/// <param name="Address">The interface's own address.</param>
/// <param name="PublicIp">What other nodes reach this one by: <c>--public-ip</c>, or the address.</param>
internal sealed record SelectedInterface(HostInterface Interface, Ipv4Address Address, Ipv4Address PublicIp);

/// <summary>Upstream's rules (<c>pkg/ipmatch/match.go</c>, <c>main.go</c>): <c>--iface</c>, then <c>--iface-regex</c>, then <c>--iface-can-reach</c>, in
/// the order given; with none of them the interface that carries <c>--public-ip</c>, or that of the default route. An empty <c>--iface</c>
/// or
/// <c>--iface-regex</c> is that of the default route, too. Loopback is chosen only where <c>--iface</c> names it, since no other host
/// reaches it.</summary>
internal sealed class InterfaceSelection(
    IReadOnlyList<HostInterface> interfaces, Func<string> readRoutes, Func<Ipv4Address, Ipv4Address?> sourceTowards)
{
    public static InterfaceSelection OfThisHost() =>
        new(HostInterface.ReadAll(), () => File.ReadAllText("/proc/net/route"), SourceTowards);

    public SelectedInterface? Select(DaemonOptions options, out string error)
    {
        error = "";
        var any = options.Interfaces.Count > 0 || options.InterfaceRegexes.Count > 0 || options.InterfaceCanReach is not null;
        var found = any
            ? Named(options) ?? Matching(options) ?? Reaching(options)
            : options.PublicIp is { } ip ? ByAddress(ip, Others) : ByDefaultRoute();
        if (found is not var (chosen, address))
        {
            error = any
                ? $"no interface matches {Asked(options)}; there are {string.Join(", ", interfaces)}"
                : options.PublicIp is { } wanted
                    ? $"no interface has the address of --public-ip {wanted}: add --iface; there are {string.Join(", ", interfaces)}"
                    : $"there is no default route to choose an interface by: add --iface; there are {string.Join(", ", interfaces)}";
            return null;
        }

        if (address is null && chosen.Addresses.Count == 0)
        {
            error = $"interface {chosen.Name} has no IPv4 address";
            return null;
        }

        if (chosen.Mtu <= 0)
        {
            error = $"the MTU of interface {chosen.Name} is not known";
            return null;
        }

        var own = address ?? chosen.PreferredAddresses.First();
        return new SelectedInterface(chosen, own, options.PublicIp ?? own);
    }

    private (HostInterface, Ipv4Address?)? Named(DaemonOptions options)
    {
        foreach (var name in options.Interfaces)
        {
            var found = name.Length == 0 ? ByDefaultRoute() : Ipv4Address.TryParse(name, out var address)
                ? ByAddress(address, interfaces)
                : ByName(name);
            // One without an address is passed over, so that the next --iface gets its turn.
            if (found is var (chosen, own) && (own is not null || chosen.Addresses.Count > 0)) return found;
        }

        return null;
    }

    private (HostInterface, Ipv4Address?)? Matching(DaemonOptions options)
    {
        foreach (var pattern in options.InterfaceRegexes)
        {
            if ((pattern.Length == 0 ? ByDefaultRoute() : ByPattern(InterfacePattern.Compile(pattern))) is { } found) return found;
        }

        return null;
    }

    /// <summary>As upstream all addresses first, then all names. Unlike it, an address of one interface that is link-local comes after a
    /// better one of another.</summary>
    private (HostInterface, Ipv4Address?)? ByPattern(Regex regex)
    {
        var byAddress = Others.SelectMany(
            candidate => candidate.PreferredAddresses.Where(address => Matches(regex, address.ToString())),
            (candidate, address) => (Interface: candidate, Address: address));
        if (byAddress.OrderBy(match => HostInterface.IsLinkLocal(match.Address)).ToList() is [var best, ..])
            return (best.Interface, best.Address);
        var byName = Others.Where(candidate => candidate.Addresses.Count > 0 && Matches(regex, candidate.Name));
        return byName.OrderBy(candidate => candidate.HasOnlyLinkLocal).FirstOrDefault() is { } named ? (named, null) : null;
    }

    private (HostInterface, Ipv4Address?)? Reaching(DaemonOptions options) =>
        options.InterfaceCanReach is { } target && sourceTowards(target) is { } source ? ByAddress(source, Others) : null;

    private IEnumerable<HostInterface> Others => interfaces.Where(candidate => !candidate.IsLoopback);

    private (HostInterface, Ipv4Address?)? ByName(string name) =>
        interfaces.FirstOrDefault(i => i.Name == name) is { } match ? (match, null) : null;

    private static (HostInterface, Ipv4Address?)? ByAddress(Ipv4Address address, IEnumerable<HostInterface> among) =>
        among.FirstOrDefault(i => i.Addresses.Contains(address)) is { } match ? (match, address) : null;

    private (HostInterface, Ipv4Address?)? ByDefaultRoute()
    {
        string? name;
        try
        {
            name = DefaultRoute.Find(readRoutes());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        return Others.FirstOrDefault(i => i.Name == name) is { } match ? (match, null) : null;
    }

    private static bool Matches(Regex regex, string text)
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

    private static string Asked(DaemonOptions options) => string.Join(
        ' ',
        options.Interfaces.Select(i => $"--iface={Redaction.Value(i)}")
            .Concat(options.InterfaceRegexes.Select(r => $"--iface-regex={Redaction.Value(r)}"))
            .Concat(options.InterfaceCanReach is { } ip ? [$"--iface-can-reach={ip}"] : []));

    /// <summary>The source address that the kernel would use, by connecting a UDP socket: no packet is sent, policy routing counts.</summary>
    private static Ipv4Address? SourceTowards(Ipv4Address target)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Connect(new IPEndPoint(target.ToIPAddress(), 9));
            return Ipv4Address.TryFrom(((IPEndPoint)socket.LocalEndPoint!).Address, out var source) ? source : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
