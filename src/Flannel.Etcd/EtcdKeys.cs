using System.Diagnostics.CodeAnalysis;
using System.Text;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Google.Protobuf;

namespace Flannel.Etcd;

/// <summary>Where flannel's things are in etcd, below one prefix such as <c>/coreos.com/network</c>.</summary>
public sealed class EtcdKeys
{
    private EtcdKeys(string prefix)
    {
        Prefix = prefix;
        Config = ByteString.CopyFromUtf8(prefix + "/config");
        Subnets = prefix + "/subnets/";
        Controller = ByteString.CopyFromUtf8(prefix + "/ali-vpc/controller");
        Routes = prefix + "/ali-vpc/routes/";
        Nodes = prefix + "/ali-vpc/nodes/";
    }

    /// <summary>With a leading slash, without a trailing one.</summary>
    public string Prefix { get; }

    /// <summary>The network configuration, written by an operator.</summary>
    public ByteString Config { get; }

    /// <summary>What every lease's key begins with, slash included.</summary>
    public string Subnets { get; }

    /// <summary>The key of the controller's election.</summary>
    public ByteString Controller { get; }

    /// <summary>What every route status' key begins with, slash included.</summary>
    public string Routes { get; }

    /// <summary>What every node's pointer begins with, slash included: below it stands the name of each node's lease under the node's
    /// public address, so that a node that lost its memory finds its lease without reading all of them.</summary>
    public string Nodes { get; }

    public ByteString Lease(SubnetKey key) => ByteString.CopyFromUtf8(Subnets + key);

    public ByteString Node(Ipv4Address publicIp) => ByteString.CopyFromUtf8(Nodes + publicIp);

    /// <param name="key">The subnet's key as text: what follows <see cref="Subnets"/> in the lease's key.</param>
    public ByteString Route(string key) => ByteString.CopyFromUtf8(Routes + key);

    /// <summary>Upstream joins paths, so equal slashes are one and a trailing one is nothing. A prefix without a leading slash is another
    /// place
    /// in etcd v3 than the one with it, and almost surely a mistake.</summary>
    /// <param name="error">One line, when the answer is false.</param>
    public static bool TryCreate(string prefix, [NotNullWhen(true)] out EtcdKeys? keys, out string error)
    {
        keys = null;
        error = "";
        var parts = prefix.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (!prefix.StartsWith('/') || parts.Length == 0)
        {
            error = $"etcd prefix '{prefix}' must be a path that begins with '/', such as /coreos.com/network";
            return false;
        }

        if (parts.Any(part => part is "." or "..") || prefix.Any(char.IsControl))
        {
            error = $"etcd prefix '{prefix}' must not hold '.', '..' or control characters";
            return false;
        }

        keys = new EtcdKeys("/" + string.Join('/', parts));
        return true;
    }

    /// <summary>The end of the range of all keys that begin so.</summary>
    internal static ByteString EndOf(string prefix)
    {
        var bytes = Encoding.UTF8.GetBytes(prefix);
        bytes[^1]++;
        return ByteString.CopyFrom(bytes);
    }
}
