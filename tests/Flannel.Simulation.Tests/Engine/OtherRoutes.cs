using Flannel.Core.Routes;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>Routes in the table that no lease of the cluster needs, and that no route controller may change: those of Terraform, of an
/// operator, of a VPN gateway and of another cluster.</summary>
internal sealed class OtherRoutes(SimulatedCloud cloud)
{
    private const string OtherInstance = "i-other";

    private readonly List<OtherRoute> routes = [];

    /// <summary>Adds some outside of the podCIDRs, which stay.</summary>
    public void AddPermanent()
    {
        Add("172.20.1.0/24", "Instance", OtherInstance, "");
        Add("10.24.100.0/24", "Instance", OtherInstance, "");
        Add("10.24.101.0/24", "Instance", OtherInstance, MarkOfAnotherCluster());
        Add("10.24.102.0/24", "VpnGateway", "vpn-1", "");
    }

    /// <summary>Another cluster or a VPN gateway occupies a destination.</summary>
    /// <returns>Null if the table has an entry for it.</returns>
    public InMemoryCloudApi.Entry? Occupy(string destination, bool isGateway)
    {
        if (Entries.Exists(entry => entry.Destination == destination)) return null;
        return isGateway
            ? Add(destination, "VpnGateway", "vpn-1", "")
            : Add(destination, "Instance", OtherInstance, MarkOfAnotherCluster());
    }

    public void Remove(InMemoryCloudApi.Entry entry)
    {
        routes.RemoveAll(route => route.Entry == entry);
        Entries.Remove(entry);
    }

    public bool Contains(InMemoryCloudApi.Entry entry) => routes.Exists(route => route.Entry == entry);

    /// <summary>A route that was changed or deleted, for a message; null if all are as they were.</summary>
    public string? FindChanged() =>
        routes.Find(route => !Entries.Contains(route.Entry) || OtherRoute.Describe(route.Entry) != route.Text)?.Text;

    private List<InMemoryCloudApi.Entry> Entries => cloud.Api.Tables[SimulatedCloud.TableId].Entries;

    private static string MarkOfAnotherCluster() =>
        ClusterId.TryParse("fedcba9876543210", out var id) ? OwnershipMark.Of(id).Token : throw new InvalidOperationException("no id");

    private InMemoryCloudApi.Entry Add(string destination, string type, string hop, string name)
    {
        var entry = cloud.Api.AddEntry(SimulatedCloud.TableId, destination, hop, name, type: type);
        routes.Add(new OtherRoute(entry, OtherRoute.Describe(entry)));
        return entry;
    }

    /// <param name="Text">The entry as its owner created it.</param>
    private sealed record OtherRoute(InMemoryCloudApi.Entry Entry, string Text)
    {
        public static string Describe(InMemoryCloudApi.Entry entry) =>
            $"{entry.Destination} to {entry.Hop.Type} {entry.Hop.Id} \"{entry.Name}\" \"{entry.Description}\" {entry.Status}";
    }
}
