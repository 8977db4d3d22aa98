using Flannel.Core.Leases;
using Flanneld.Clients;
using Flanneld.Options;

namespace Flanneld.Commands.Config;

/// <summary>What a valid configuration means for the cluster.</summary>
/// <param name="Misfits">Leases that it does not allow, one line each.</param>
/// <param name="Overlaps">Ranges of a VPC that its networks overlap, one line each.</param>
/// <param name="Notes">What else an operator should know, and what could not be checked, one line each.</param>
internal sealed record ConfigReview(IReadOnlyList<string> Misfits, IReadOnlyList<string> Overlaps, IReadOnlyList<string> Notes)
{
    /// <summary>All of it, for people.</summary>
    public IEnumerable<string> Lines => [.. Misfits, .. Overlaps, .. Notes];

    /// <param name="state">Null if etcd could not be read.</param>
    public static async Task<ConfigReview> RunAsync(
        DaemonOptions options, Connections connections, ConfigInput given, SubnetState? state, ClientContext context,
        CancellationToken cancellation)
    {
        var leases = state?.Leases ?? [];
        var vpc = await new VpcOverlaps(options, connections, state, context).FindAsync(given.Config, given.Backend, cancellation);
        List<string> notes = [.. LeaseFit.FindOtherBackends(given.Config, leases)];
        if (state is { IsComplete: false }) notes.Add("not checked: a lease that cannot be read; 'flanneld leases' shows the others");
        if (vpc.AccessKey is { } key) notes.Add(key);
        notes.AddRange(vpc.NotChecked.Select(line => $"not checked: {line}"));
        return new ConfigReview(LeaseFit.FindMisfits(given.Config, leases), vpc.Overlaps, notes);
    }
}
