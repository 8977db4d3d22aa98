using System.Diagnostics.CodeAnalysis;
using System.Text;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Google.Protobuf;

namespace Flannel.Etcd.Registry;

/// <summary>Where flannel's things are in etcd, below one prefix such as <c>/coreos.com/network</c>.</summary>
public sealed class EtcdKeys
{
    private EtcdKeys(string prefix)
    {
        Prefix = prefix;
        Config = ByteString.CopyFromUtf8(prefix + "/config");
        Subnets = prefix + "/subnets/";
        Controller = ByteString.CopyFromUtf8(prefix + "/ali-vpc/controller");
        Cluster = ByteString.CopyFromUtf8(prefix + "/ali-vpc/cluster");
        AbsentLeases = ByteString.CopyFromUtf8(prefix + "/ali-vpc/absent-leases");
        Routes = prefix + "/ali-vpc/routes/";
        Nodes = prefix + "/ali-vpc/nodes/";
        VSwitches = prefix + "/ali-vpc/vswitches/";
        Instances = prefix + "/ali-vpc/instances/";
    }

    /// <summary>Without a trailing slash; with a leading one unless the operator left it out.</summary>
    public string Prefix { get; }

    /// <summary>The network configuration, written by an operator.</summary>
    public ByteString Config { get; }

    /// <summary>What every lease's key begins with, slash included.</summary>
    public string Subnets { get; }

    /// <summary>The key of the controller's election.</summary>
    public ByteString Controller { get; }

    /// <summary>The cluster's id, which its routes are marked with.</summary>
    public ByteString Cluster { get; }

    /// <summary>How long the leases of marked routes have been missing, across the terms of route controllers.</summary>
    public ByteString AbsentLeases { get; }

    /// <summary>What every route status' key begins with, slash included.</summary>
    public string Routes { get; }

    /// <summary>What every node's pointer begins with, slash included: below it stands the name of each node's lease under the node's
    /// public address, so that a node that lost its memory finds its lease without reading all of them.</summary>
    public string Nodes { get; }

    /// <summary>What the keys begin with under which the route controller publishes the ranges of each VPC's vSwitches, slash
    /// included.</summary>
    public string VSwitches { get; }

    /// <summary>What every instance's pointer begins with, slash included: the same as <see cref="Nodes"/> under the id of the node's cloud
    /// instance, for a node whose address has changed.</summary>
    public string Instances { get; }

    public ByteString Lease(SubnetKey key) => ByteString.CopyFromUtf8(Subnets + key);

    public ByteString VSwitchesOf(string vpcId) => ByteString.CopyFromUtf8(VSwitches + vpcId);

    public ByteString Node(Ipv4Address publicIp) => ByteString.CopyFromUtf8(Nodes + publicIp);

    public ByteString Instance(string instanceId) => ByteString.CopyFromUtf8(Instances + instanceId);

    /// <param name="key">The subnet's key as text: what follows <see cref="Subnets"/> in the lease's key.</param>
    public ByteString Route(string key) => ByteString.CopyFromUtf8(Routes + key);

    /// <summary>As upstream reads it, with Go's <c>path.Join</c>: equal slashes are one, a trailing one is nothing, and <c>..</c> drops
    /// what is before it. A prefix without a leading slash is kept so: in etcd v3 it is another place than the one with it.</summary>
    /// <param name="error">One line, when the answer is false.</param>
    public static bool TryCreate(string prefix, [NotNullWhen(true)] out EtcdKeys? keys, out string error)
    {
        keys = null;
        error = "";
        var absolute = prefix.StartsWith('/');
        var parts = new List<string>();
        foreach (var part in prefix.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "..")
            {
                if (parts.Count == 0 && !absolute) break;
                if (parts.Count > 0) parts.RemoveAt(parts.Count - 1);
            }
            else if (part != ".")
            {
                parts.Add(part);
            }
        }

        if (parts.Count == 0 || prefix.Any(char.IsControl) || MayBeEndpoint(prefix))
        {
            error = "an etcd prefix must be a path such as /coreos.com/network";
            return false;
        }

        keys = new EtcdKeys((absolute ? "/" : "") + string.Join('/', parts));
        return true;
    }

    /// <summary>An endpoint that slipped into this option may hold a password, and a prefix is printed.</summary>
    private static bool MayBeEndpoint(string prefix) =>
        prefix.AsSpan().ContainsAny("@%?#") || (
            prefix.Contains(':') && (!prefix.StartsWith('/') || prefix.StartsWith("//", StringComparison.Ordinal)));

    /// <summary>The end of the range of all keys that begin so.</summary>
    internal static ByteString EndOf(string prefix)
    {
        var bytes = Encoding.UTF8.GetBytes(prefix);
        bytes[^1]++;
        return ByteString.CopyFrom(bytes);
    }
}
