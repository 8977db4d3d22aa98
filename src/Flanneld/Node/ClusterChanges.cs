using Flannel.Core.Leases;
using Flanneld.Controller;

namespace Flanneld.Node;

/// <summary>Reports what changes outside this node: the network configuration and the route controller.</summary>
internal sealed class ClusterChanges(ConfigChanges config, ControllerChanges controller)
{
    public void Report(LeaseEvent change)
    {
        switch (change)
        {
            case LeaseEvent.ConfigChanged changed:
                config.Report(changed.Config);
                break;
            case LeaseEvent.ControllerChanged changed:
                controller.Report(changed.Holder);
                break;
        }
    }
}
