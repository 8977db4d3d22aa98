using System.Text;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Google.Protobuf;

namespace Flannel.Etcd.Registry;

/// <summary>The keys of flannel in etcd, below one prefix such as <c>/coreos.com/network</c>. Immutable.</summary>
public sealed class EtcdKeys
{
    private EtcdKeys(string prefix)
    {
        Prefix = prefix;
        Config = ByteString.CopyFromUtf8(prefix + "/config");
        Subnets = prefix + "/subnets/";
        Controller = ByteString.CopyFromUtf8(prefix + "/ali-vpc/controller");
        Standby = ByteString.CopyFromUtf8(prefix + "/ali-vpc/standby");
        Cluster = ByteString.CopyFromUtf8(prefix + "/ali-vpc/cluster");
        AbsentLeases = ByteString.CopyFromUtf8(prefix + "/ali-vpc/absent-leases");
        Routes = prefix + "/ali-vpc/routes/";
        Nodes = prefix + "/ali-vpc/nodes/";
        VSwitches = prefix + "/ali-vpc/vswitches/";
        Instances = prefix + "/ali-vpc/instances/";
        Candidates = prefix + "/ali-vpc/candidates/";
    }

    /// <summary>Without a trailing slash; with a leading one unless the operator omitted it.</summary>
    public string Prefix { get; }

    /// <summary>The network configuration, which an operator writes.</summary>
    public ByteString Config { get; }

    /// <summary>The prefix of the leases, with the slash.</summary>
    public string Subnets { get; }

    /// <summary>The key of the route controller's election.</summary>
    public ByteString Controller { get; }

    /// <summary>The key of the node that replaces the route controller without delay.</summary>
    public ByteString Standby { get; }

    /// <summary>The cluster's id, which its routes are marked with.</summary>
    public ByteString Cluster { get; }

    /// <summary>How long the leases of marked routes have been missing, across the terms of route controllers.</summary>
    public ByteString AbsentLeases { get; }

    /// <summary>The prefix of the route statuses, with the slash.</summary>
    public string Routes { get; }

    /// <summary>The prefix of the pointers by address, with the slash: each contains the subnet key of the node's lease under the node's
    /// public address. A node without <c>subnet.env</c> finds its lease by it without reading all leases.</summary>
    public string Nodes { get; }

    /// <summary>The prefix of the ranges of each VPC's vSwitches, which the route controller publishes, with the slash.</summary>
    public string VSwitches { get; }

    /// <summary>The prefix of the pointers by instance, with the slash: as <see cref="Nodes"/>, under the id of the node's cloud instance,
    /// for a node whose address has changed.</summary>
    public string Instances { get; }

    /// <summary>The prefix of the nodes that are not candidates for route controller, with the slash: each writes why under the id of its
    /// cloud instance, while no route controller is elected.</summary>
    public string Candidates { get; }

    public ByteString Lease(SubnetKey key) => ByteString.CopyFromUtf8(Subnets + key);

    public ByteString VSwitchesOf(string vpcId) => ByteString.CopyFromUtf8(VSwitches + vpcId);

    public ByteString Node(Ipv4Address publicIp) => ByteString.CopyFromUtf8(Nodes + publicIp);

    public ByteString Instance(string instanceId) => ByteString.CopyFromUtf8(Instances + instanceId);

    public ByteString Candidate(string instanceId) => ByteString.CopyFromUtf8(Candidates + instanceId);

    /// <param name="key">The subnet's key as text: the part of the lease's key after <see cref="Subnets"/>.</param>
    public ByteString Route(string key) => ByteString.CopyFromUtf8(Routes + key);

    /// <summary>Parses a prefix as upstream does, with Go's <c>path.Join</c>: repeated slashes are one, a trailing one is dropped, and
    /// <c>..</c> removes the part before it. A prefix without a leading slash stays so: in etcd v3 it names other keys.</summary>
    public static Result<EtcdKeys> Parse(string prefix)
    {
        var isAbsolute = prefix.StartsWith('/');
        var parts = new List<string>();
        foreach (var part in prefix.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "..")
            {
                if (parts.Count == 0 && !isAbsolute) break;
                if (parts.Count > 0) parts.RemoveAt(parts.Count - 1);
            }
            else if (part != ".")
            {
                parts.Add(part);
            }
        }

        return parts.Count == 0 || prefix.Any(char.IsControl) || MayBeEndpoint(prefix)
            ? Result.Failure("an etcd prefix must be a path such as /coreos.com/network")
            : new EtcdKeys((isAbsolute ? "/" : "") + string.Join('/', parts));
    }

    /// <summary>An endpoint in the wrong option may contain a password, and a prefix is printed.</summary>
    private static bool MayBeEndpoint(string prefix)
    {
        if (prefix.AsSpan().ContainsAny("@%?#")) return true;
        return prefix.Contains(':') && (!prefix.StartsWith('/') || prefix.StartsWith("//", StringComparison.Ordinal));
    }

    /// <summary>The end of the range of all keys that begin with <paramref name="prefix"/>.</summary>
    internal static ByteString EndOf(string prefix)
    {
        var bytes = Encoding.UTF8.GetBytes(prefix);
        bytes[^1]++;
        return ByteString.CopyFrom(bytes);
    }

    /// <summary>The first possible key after <paramref name="key"/>.</summary>
    internal static ByteString After(ByteString key) => ByteString.CopyFrom([.. key.Span, 0]);
}
