using Flanneld.Backends;
using Flanneld.Commands.Check.Facts;
using Flanneld.Host.Interfaces;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary>Checks the MTU of the interface, of <c>subnet.env</c> and of the containers' bridges. Pure.</summary>
internal sealed class MtuCheck(DaemonOptions options, SelectedInterface selected, CheckSection results)
{
    /// <summary>Of every VPC.</summary>
    private const int Standard = 1500;

    /// <summary>Jumbo frames, which an instance and its peers must have enabled.</summary>
    private const int Jumbo = 8500;

    public void CheckInterface()
    {
        var (name, mtu) = (selected.Interface.Name, selected.Interface.Mtu);
        if (options.Mtu is { } given && given > mtu)
        {
            results.Add(CheckResult.Warning(
                CheckKind.Mtu, $"--mtu {given} is larger than the MTU {mtu} of {name}", "omit --mtu: the default fits the interface"));
        }

        if (selected.Interface.IsLoopback) return;
        results.Add(mtu switch
        {
            Standard => CheckResult.Ok(CheckKind.Mtu, $"{name} has {Standard}, as every VPC carries"),
            Jumbo => CheckResult.Ok(CheckKind.Mtu, $"{name} has {Jumbo}: all nodes must have jumbo frames enabled"),
            > Jumbo => CheckResult.Warning(
                CheckKind.Mtu, $"{name} has {mtu}, and a VPC carries at most {Jumbo}: larger packets are lost",
                $"ip link set {name} mtu {Standard}, or {Jumbo} with jumbo frames"),
            > Standard => CheckResult.Note(
                CheckKind.Mtu, $"{name} has {mtu}: a VPC carries more than {Standard} only between instances with jumbo frames"),
            _ => CheckResult.Note(CheckKind.Mtu, $"{name} has {mtu}, less than the {Standard} of the VPC"),
        });
    }

    /// <param name="subnet">Null while this node has no subnet.</param>
    /// <param name="backend">Null without a configuration.</param>
    public void CheckContainers(PublishedSubnet? subnet, IBackend? backend, IReadOnlyList<HostInterface> interfaces)
    {
        var kind = CheckKind.ContainerMtu;
        if (subnet?.Mtu is not { } published) return;
        var expected = options.Mtu ?? backend?.MtuFor(selected.Interface.Mtu);
        if (expected is { } right && published != right)
        {
            results.Add(CheckResult.Warning(
                kind, $"FLANNEL_MTU is {published}, and {selected.Interface.Name} with MTU {selected.Interface.Mtu} gives {right}",
                "restart flanneld, then Docker or the pods"));
        }
        else if (published > selected.Interface.Mtu)
        {
            results.Add(CheckResult.Warning(
                kind, $"FLANNEL_MTU {published} is larger than the MTU {selected.Interface.Mtu} of {selected.Interface.Name}",
                "restart flanneld, then Docker or the pods"));
        }
        else
        {
            results.Add(CheckResult.Ok(kind, $"FLANNEL_MTU is {published}"));
        }

        foreach (var bridge in interfaces.Where(each => ContainerBridge.All.Contains(each.Name)))
        {
            if (bridge.Mtu > published)
            {
                results.Add(CheckResult.Warning(
                    kind, $"{bridge.Name} has MTU {bridge.Mtu}, and FLANNEL_MTU is {published}: larger packets of containers are lost",
                    "restart Docker, or start the pods again"));
            }
            else if (bridge.Mtu < published)
            {
                results.Add(CheckResult.Note(
                    kind, $"{bridge.Name} has MTU {bridge.Mtu}, and FLANNEL_MTU is {published}: a bridge without containers has 1500"));
            }
        }
    }
}
