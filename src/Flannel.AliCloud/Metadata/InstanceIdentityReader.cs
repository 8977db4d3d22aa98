using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.Core.Addresses;

namespace Flannel.AliCloud.Metadata;

/// <summary>Learns from the metadata service who this node is. All facts are asked for at once: after the token, one round trip.</summary>
public sealed class InstanceIdentityReader(MetadataClient metadata)
{
    private readonly Lock gate = new();
    private InstanceIdentity? known;

    /// <param name="mac">The hardware address of the interface that flannel's rules selected; case, and dashes for colons, do not matter.</param>
    public async Task<InstanceIdentityResult> ReadAsync(string mac, CancellationToken cancellation)
    {
        mac = mac.Trim().Replace('-', ':').ToLowerInvariant();
        lock (gate)
        {
            // An instance does not change its id, nor an interface its VPC, while a process runs.
            if (known is { } same && same.Mac == mac) return new InstanceIdentityResult.Identity(same);
        }

        if (!ResourceIdFormat.IsMac(mac)) return new InstanceIdentityResult.NoSuchInterface(mac, []);
        var inside = $"meta-data/network/interfaces/macs/{mac}";
        string[] paths =
        [
            "meta-data/instance-id", "meta-data/region-id", "meta-data/zone-id", "meta-data/mac",
            $"{inside}/network-interface-id", $"{inside}/vpc-id", $"{inside}/vswitch-id", $"{inside}/primary-ip-address", $"{inside}/private-ipv4s",
            $"{inside}/vswitch-cidr-block", $"{inside}/vpc-cidr-block",
        ];
        var answers = await Task.WhenAll(paths.Select(p => metadata.GetAsync(p, cancellation)));
        for (var i = 0; i < answers.Length; i++)
        {
            switch (answers[i])
            {
                case MetadataResult.Unreachable unreachable:
                    return new InstanceIdentityResult.Unreachable($"{unreachable.Line}. Is this an ECS instance in a VPC?");
                case MetadataResult.Refused refused:
                    return new InstanceIdentityResult.Unreachable(refused.Line);
                case MetadataResult.Absent when i < 4:
                    return new InstanceIdentityResult.NotAnEcsInstance($"the metadata service at {metadata.Endpoint} has no {paths[i]}: this is not an ECS instance");
                case MetadataResult.Absent when i == 4:
                    return await NoSuchInterfaceAsync(mac, cancellation);
            }
        }

        var answer = Check(mac, [.. answers.Select(a => (a as MetadataResult.Found)?.Text ?? "")], paths);
        if (answer is InstanceIdentityResult.Identity { Value: var identity })
            lock (gate) known = identity;
        return answer;
    }

    private static InstanceIdentityResult Check(string mac, string[] texts, string[] paths)
    {
        Func<string, bool>[] shapes =
        [
            ResourceIdFormat.IsInstance, ResourceIdFormat.IsRegion, ResourceIdFormat.IsZone, t => ResourceIdFormat.IsMac(t.ToLowerInvariant()), ResourceIdFormat.IsInterface, ResourceIdFormat.IsVpc,
            ResourceIdFormat.IsVSwitch, t => Ipv4Address.TryParse(t, out _),
        ];
        for (var i = 0; i < shapes.Length; i++)
        {
            if (!shapes[i](texts[i]))
                return new InstanceIdentityResult.NotAnEcsInstance(
                    $"the metadata service's {paths[i]} is {(texts[i].Length == 0 ? "empty" : "not what it should be")}: this is not an ECS instance in a VPC");
        }

        var primary = Ipv4Address.Parse(texts[7]);
        return new InstanceIdentityResult.Identity(new InstanceIdentity(
            texts[1], texts[2], texts[0], texts[5], texts[6], mac, texts[4], texts[3].Equals(mac, StringComparison.OrdinalIgnoreCase), primary,
            [primary, .. Addresses(texts[8]).Where(a => a != primary)])
        {
            VSwitchRange = Range(texts[9]),
            VpcRange = Range(texts[10]),
        });
    }

    private static Ipv4Network? Range(string text) => Ipv4Network.TryParse(text, out var range) ? range : null;

    /// <summary>A JSON array of addresses; whatever else stands there is left out, since the primary address is known without it.</summary>
    internal static IReadOnlyList<Ipv4Address> Addresses(string text)
    {
        List<Ipv4Address> all = [];
        foreach (var part in text.Split(['[', ']', ',', '"', ' ', '\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (Ipv4Address.TryParse(part, out var address) && !all.Contains(address)) all.Add(address);
        }

        return all;
    }

    private async Task<InstanceIdentityResult> NoSuchInterfaceAsync(string mac, CancellationToken cancellation) =>
        await metadata.GetAsync("meta-data/network/interfaces/macs/", cancellation) switch
        {
            MetadataResult.Found found => new InstanceIdentityResult.NoSuchInterface(mac, Macs(found.Text)),
            MetadataResult.Unreachable unreachable => new InstanceIdentityResult.Unreachable(unreachable.Line),
            MetadataResult.Refused refused => new InstanceIdentityResult.Unreachable(refused.Line),
            _ => new InstanceIdentityResult.NotAnEcsInstance($"the metadata service at {metadata.Endpoint} lists no interfaces: this is not an ECS instance in a VPC"),
        };

    /// <summary>One a line, each with a slash at its end.</summary>
    internal static IReadOnlyList<string> Macs(string text) =>
        [.. text.Split('\n').Select(l => l.Trim().TrimEnd('/').ToLowerInvariant()).Where(ResourceIdFormat.IsMac).Take(64)];
}
