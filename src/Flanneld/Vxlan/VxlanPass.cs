using Flannel.HostNetwork.Vxlan;

namespace Flanneld.Vxlan;

/// <summary>The result of one comparison of the host with the leases.</summary>
/// <param name="Device">What was done to the device.</param>
/// <param name="Entries">What was done to its entries.</param>
/// <param name="Peers">How many nodes are forwarded to.</param>
internal sealed record VxlanPass(VxlanDevicePlan Device, VxlanPlan Entries, int Peers)
{
    /// <summary>How many of the peers are kept without a lease.</summary>
    public int Absent { get; init; }

    /// <summary>How many leases belong to nodes with another backend.</summary>
    public int OtherBackends { get; init; }

    /// <summary>Whether the next pass removes entries although no lease and no status changed
    /// (<see cref="FallbackTable.IsSettling"/>).</summary>
    public bool IsSettling { get; init; }

    /// <summary>Leases that are not used, one line each.</summary>
    public IReadOnlyList<string> Rejected { get; init; } = [];

    /// <summary>Why entries are missing although the device stands; null if none is.</summary>
    public string? EntriesError { get; init; }
}
