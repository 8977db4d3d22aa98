using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>The annotations of a Node that make it a lease, under the prefix of <c>--kube-annotation-prefix</c>, with upstream's names and
/// values (<c>pkg/subnet/kube/annotations.go</c> and <c>kube.go</c>). Immutable.</summary>
public sealed class NodeAnnotations
{
    /// <summary>Upstream's default of <c>--kube-annotation-prefix</c>.</summary>
    public const string DefaultPrefix = "flannel.alpha.coreos.com";

    /// <summary>Upstream writes it for a backend without data.</summary>
    private const string NoData = "null";

    private const string True = "true";

    private readonly string prefix;

    private NodeAnnotations(string prefix) => this.prefix = prefix;

    /// <summary><c>true</c> on a Node that flannel uses.</summary>
    public string KubeSubnetManager => prefix + "kube-subnet-manager";

    public string BackendType => prefix + "backend-type";

    /// <summary>Raw JSON of the backend, or <c>null</c>.</summary>
    public string BackendData => prefix + "backend-data";

    public string BackendV6Data => prefix + "backend-v6-data";

    public string PublicIp => prefix + "public-ip";

    public string PublicIpv6 => prefix + "public-ipv6";

    /// <summary>Written by an operator: replaces the value of <see cref="PublicIp"/>, at which the other nodes reach this one.</summary>
    public string PublicIpOverwrite => prefix + "public-ip-overwrite";

    public string PublicIpv6Overwrite => prefix + "public-ipv6-overwrite";

    /// <summary>Written by an operator: replaces <c>--public-ip</c>.</summary>
    public string NodePublicIp => prefix + "node-public-ip";

    public string NodePublicIpv6 => prefix + "node-public-ipv6";

    /// <summary>The JSON of a <see cref="Flannel.Core.Routes.RouteStatus"/>, which the route controller writes. Upstream does not have
    /// it.</summary>
    public string RouteStatus => prefix + "ali-vpc-route-status";

    /// <summary>Upstream's rules: at most one slash, which is appended if there is none; what follows it ends in a hyphen, which is
    /// appended if it is missing.</summary>
    public static Result<NodeAnnotations> Create(string prefix)
    {
        var slash = prefix.IndexOf('/', StringComparison.Ordinal);
        if (slash != prefix.LastIndexOf('/')) return Result.Failure($"\"{prefix}\" has more than one slash");
        var domain = slash < 0 ? prefix : prefix[..slash];
        var name = slash < 0 ? "" : prefix[(slash + 1)..];
        var labels = domain.Split('.');
        if (labels.Length < 2 || !labels.All(IsName) || (name.Length > 0 && !IsName(name)))
        {
            return Result.Failure($"\"{prefix}\" is not a domain, such as {DefaultPrefix}, or a domain, a slash and a name, in lower-case"
                + " letters, digits, hyphens and underscores");
        }

        var separator = name.Length == 0 || name.EndsWith('-') ? "" : "-";
        return new NodeAnnotations($"{domain}/{name}{separator}");
    }

    /// <summary>Whether an annotation is one of flannel.</summary>
    public bool IsOwn(string name) => name.StartsWith(prefix, StringComparison.Ordinal);

    /// <summary>Whether flannel uses the Node.</summary>
    public bool IsManaged(KubeNode node) => Text(node, KubeSubnetManager) == True;

    /// <summary>The attributes of the Node's lease as the annotations have them.</summary>
    /// <returns>The error names the annotation that cannot be read.</returns>
    public Result<LeaseAttributes> Read(KubeNode node)
    {
        if (!Ipv4Address.TryParse(Text(node, PublicIp), out var publicIp))
            return Result.Failure($"annotation {PublicIp} is not an IPv4 address");
        var data = Text(node, BackendData);
        if (data.Length > 0 && !IsJson(data)) return Result.Failure($"annotation {BackendData} is not valid JSON");
        var v6Data = Text(node, BackendV6Data);
        var publicIpv6 = Text(node, PublicIpv6);
        // Invalid data of IPv6 must not affect IPv4.
        return new LeaseAttributes(
            publicIp, publicIpv6.Length > 0 ? publicIpv6 : null, Text(node, BackendType), DataOrNull(data),
            IsJson(v6Data) ? DataOrNull(v6Data) : null);
    }

    /// <summary>The same; null if it cannot be read.</summary>
    public LeaseAttributes? Find(KubeNode node)
    {
        var read = Read(node);
        return read.Ok ? read.Value : null;
    }

    /// <summary>What differs between a Node's annotations and those of a lease with these attributes: values by the name of the annotation,
    /// null for one to delete. Empty if nothing differs.</summary>
    /// <param name="attributes">With the overwritten addresses, see <see cref="Overwrite"/>.</param>
    public IReadOnlyDictionary<string, string?> Differences(KubeNode node, LeaseAttributes attributes)
    {
        var hasIpv6 = attributes.PublicIpv6 is not null || attributes.BackendV6Data is not null;
        var desired = new Dictionary<string, string?>
        {
            [BackendType] = attributes.BackendType,
            [BackendData] = attributes.BackendData ?? NoData,
            [PublicIp] = attributes.PublicIp.ToString(),
            [BackendV6Data] = hasIpv6 ? attributes.BackendV6Data ?? NoData : null,
            [PublicIpv6] = attributes.PublicIpv6,
            [KubeSubnetManager] = True,
        };
        return desired.Where(pair => node.Annotations.GetValueOrDefault(pair.Key) != pair.Value).ToDictionary();
    }

    /// <summary>The deletion of everything that this program wrote on a Node. Those of an operator stay.</summary>
    public IReadOnlyDictionary<string, string?> Deletion(KubeNode node)
    {
        string[] names = [KubeSubnetManager, BackendType, BackendData, BackendV6Data, PublicIp, PublicIpv6, RouteStatus];
        return names.Where(node.Annotations.ContainsKey).ToDictionary(name => name, string? (_) => null);
    }

    /// <summary>The attributes with the addresses that an operator wrote on the Node. One that is no address is ignored.</summary>
    public LeaseAttributes Overwrite(KubeNode node, LeaseAttributes attributes)
    {
        if (Ipv4Address.TryParse(Text(node, PublicIpOverwrite), out var publicIp)) attributes = attributes with { PublicIp = publicIp };
        return Ipv6Network.TryParseAddress(Text(node, PublicIpv6Overwrite), out var publicIpv6)
            ? attributes with { PublicIpv6 = Ipv6Network.FormatAddress(publicIpv6) }
            : attributes;
    }

    /// <summary>The addresses that replace those of the flags.</summary>
    public NodePublicAddresses ReadNodeAddresses(KubeNode node) => new(
        Ipv4Address.TryParse(Text(node, NodePublicIp), out var v4) ? v4 : null,
        Ipv6Network.TryParseAddress(Text(node, NodePublicIpv6), out var v6) ? IpAddress.V6(v6) : null);

    /// <summary>The annotations of addresses whose value is no address, for a message.</summary>
    public IEnumerable<string> FindInvalidAddresses(KubeNode node)
    {
        foreach (var name in (string[])[PublicIpOverwrite, NodePublicIp])
        {
            if (Text(node, name) is { Length: > 0 } text && !Ipv4Address.TryParse(text, out _)) yield return name;
        }

        foreach (var name in (string[])[PublicIpv6Overwrite, NodePublicIpv6])
        {
            if (Text(node, name) is { Length: > 0 } text && !Ipv6Network.TryParseAddress(text, out _)) yield return name;
        }
    }

    /// <summary>The value of an annotation; empty if there is none.</summary>
    internal static string Text(KubeNode node, string name) => node.Annotations.GetValueOrDefault(name) ?? "";

    private static string? DataOrNull(string json) => json is "" or NoData ? null : json;

    private static bool IsName(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_');

    private static bool IsJson(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}

/// <summary>Addresses that an operator wrote on a Node.</summary>
/// <param name="PublicIp">Null if there is none.</param>
/// <param name="PublicIpv6">Null if there is none.</param>
public sealed record NodePublicAddresses(Ipv4Address? PublicIp, IpAddress? PublicIpv6);
