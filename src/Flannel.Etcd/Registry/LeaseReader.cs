using System.Collections.Concurrent;
using System.Text;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>What one key below <c>{prefix}/subnets/</c> means.</summary>
/// <param name="Taken">The subnet that it occupies; null for a key that names none.</param>
/// <param name="Lease">Null when it is no lease, or one whose value cannot be read.</param>
/// <param name="IsUnreadable">A lease that cannot be read: it must not be mistaken for the absence of one.</param>
internal sealed record ReadKey(Ipv4Network? Taken, Lease? Lease, bool IsUnreadable);

/// <summary>What the value of an owner's lease contains, as bytes: cheaper than reading the value.</summary>
internal sealed class OwnerPattern(LeaseOwner owner)
{
    private readonly byte[] address = Encoding.ASCII.GetBytes(owner.PublicIp.ToString());
    private readonly byte[]? instance = owner.Instance is { } known ? Encoding.UTF8.GetBytes(known.Id) : null;

    public Ipv4Network? PreviousSubnet => owner.PreviousSubnet;

    /// <summary>An address or an id is never written with escapes; a value that has some is read in full.</summary>
    public bool MayMatch(ReadOnlySpan<byte> value) =>
        value.IndexOf(address) >= 0 || (instance is not null && value.IndexOf(instance) >= 0) || value.Contains((byte)'\\');
}

/// <summary>Reads keys and values that others wrote. Each oddity is told once, not once per reading.</summary>
internal sealed class LeaseReader(EtcdKeys keys, ILogger logger)
{
    private readonly ConcurrentDictionary<(string Key, long ModRevision), bool> told = new();

    public ReadKey Read(KeyValue pair)
    {
        var name = SubnetText(pair.Key);
        if (!SubnetKey.TryParse(name, out var key))
        {
            if (Tell(name, pair.ModRevision)) EtcdLog.NotASubnet(logger, name);
            // Upstream reads more keys as subnets than it writes; what its nodes respect is respected here.
            var and = name.IndexOf('&', StringComparison.Ordinal);
            return new ReadKey(Ipv4Network.TryParse(and < 0 ? name : name[..and], '-', out var near, out _) ? near : null, null, false);
        }

        var attributes = LeaseAttributes.Parse(pair.Value.Span, out var reason);
        if (attributes is not null)
            return new ReadKey(key.Subnet, new Lease(key, attributes, pair.Lease, pair.CreateRevision, pair.ModRevision), false);
        if (Tell(name, pair.ModRevision)) EtcdLog.UnreadableLease(logger, name, reason);
        return new ReadKey(key.Subnet, null, true);
    }

    /// <summary>The same for a node that looks for its own: a value that names neither its address nor its instance is not read, unless it
    /// is the key of its previous subnet. Among many thousands of leases that is most of the work, and unreadable values are reported by
    /// whoever reads them all.</summary>
    public ReadKey Read(KeyValue pair, OwnerPattern owner)
    {
        var isOthers = !owner.MayMatch(pair.Value.Span);
        return isOthers && SubnetKey.TryParse(SubnetText(pair.Key), out var key) && key.Subnet != owner.PreviousSubnet
            ? new ReadKey(key.Subnet, null, false)
            : Read(pair);
    }

    public static ConfigState ReadConfig(KeyValue? pair)
    {
        if (pair is null) return new ConfigState.Missing();
        var result = NetworkConfigParser.Parse(pair.Value.Span);
        return result.Config is { } config
            ? new ConfigState.Present(config, pair.ModRevision)
            : new ConfigState.Refused(result.Error, pair.ModRevision);
    }

    /// <summary>What follows <see cref="EtcdKeys.Subnets"/>.</summary>
    public string SubnetText(ByteString key) => Encoding.UTF8.GetString(key.Span)[keys.Subnets.Length..];

    private bool Tell(string name, long revision) => told.Count < 1000 && told.TryAdd((name, revision), true);
}
