using System.Collections.Concurrent;
using System.Text;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>One key below <c>{prefix}/subnets/</c>.</summary>
/// <param name="Taken">The subnet that it occupies; null for a key that names none.</param>
/// <param name="Lease">Null if it is not a lease, or its value cannot be read.</param>
/// <param name="IsUnreadable">A lease that cannot be read, which must not be mistaken for the absence of one.</param>
internal sealed record ReadKey(Ipv4Network? Taken, Lease? Lease, bool IsUnreadable)
{
    /// <summary>The IPv6 subnet that it occupies; null for a key that names none.</summary>
    public Ipv6Network? TakenIpv6 { get; init; }
}

/// <summary>The bytes that the value of an owner's lease contains. A search for them is cheaper than parsing the value.</summary>
internal sealed class OwnerPattern(LeaseOwner owner)
{
    private readonly byte[] address = Encoding.ASCII.GetBytes(owner.PublicIp.ToString());
    private readonly byte[]? instance = owner.Instance is { } known ? Encoding.UTF8.GetBytes(known.Id) : null;

    public Ipv4Network? PreviousSubnet => owner.PreviousSubnet;

    /// <summary>Addresses and ids are written without escapes. A value that contains an escape is parsed.</summary>
    public bool MayMatch(ReadOnlySpan<byte> value) =>
        value.IndexOf(address) >= 0 || (instance is not null && value.IndexOf(instance) >= 0) || value.Contains((byte)'\\');
}

/// <summary>Reads keys and values that other programs wrote. Logs each unreadable one once. Thread-safe.</summary>
internal sealed class LeaseReader(EtcdKeys keys, ILogger logger)
{
    // Enough for any mistake; the limit for a client that keeps writing new ones.
    private const int MaxLogged = 1000;

    private readonly ConcurrentDictionary<Version, bool> logged = new();

    private readonly record struct Version(string Key, long ModRevision);

    public ReadKey Read(KeyValue pair)
    {
        var name = SubnetText(pair.Key);
        if (!SubnetKey.TryParse(name, out var key))
        {
            if (IsFirst(name, pair.ModRevision)) EtcdLog.NotASubnet(logger, name);
            // Upstream reads more forms of keys than it writes. A subnet that its nodes treat as taken is taken here, too.
            var separator = name.IndexOf(SubnetKey.Ipv6Separator, StringComparison.Ordinal);
            var ipv4 = separator < 0 ? name : name[..separator];
            var ipv6 = separator < 0 ? "" : name[(separator + 1)..];
            return new ReadKey(Ipv4Network.TryParse(ipv4, '-', out var subnet, out _) ? subnet : null, null, false)
            {
                TakenIpv6 = Ipv6Network.TryParse(ipv6, '-', out var ipv6Subnet, out _) ? ipv6Subnet : null,
            };
        }

        var attributes = LeaseAttributes.Parse(pair.Value.Span);
        if (attributes.Ok)
        {
            var identity = new EtcdLeaseIdentity(pair.CreateRevision, pair.Lease);
            return Occupied(key, new Lease(key, attributes.Value, identity, pair.ModRevision));
        }

        if (IsFirst(name, pair.ModRevision)) EtcdLog.UnreadableLease(logger, name, attributes.Error);
        return Occupied(key, null) with { IsUnreadable = true };
    }

    /// <summary>The same for a node that searches its own lease: a value that contains neither its address nor its instance is not parsed,
    /// unless it is at the key of the node's previous subnet. Among many thousands of leases parsing is most of the work. Unreadable values
    /// are logged by readers of all leases.</summary>
    public ReadKey Read(KeyValue pair, OwnerPattern owner)
    {
        var isOther = !owner.MayMatch(pair.Value.Span);
        return isOther && SubnetKey.TryParse(SubnetText(pair.Key), out var key) && key.Subnet != owner.PreviousSubnet
            ? Occupied(key, null)
            : Read(pair);
    }

    private static ReadKey Occupied(SubnetKey key, Lease? lease) => new(key.Subnet, lease, false) { TakenIpv6 = key.Ipv6Subnet };

    public static ConfigState ReadConfig(KeyValue? pair) => ConfigStore.Of(pair).Parse();

    /// <summary>The part of the key after <see cref="EtcdKeys.Subnets"/>.</summary>
    private string SubnetText(ByteString key) => Encoding.UTF8.GetString(key.Span)[keys.Subnets.Length..];

    private bool IsFirst(string key, long revision) => logged.Count < MaxLogged && logged.TryAdd(new Version(key, revision), true);
}
