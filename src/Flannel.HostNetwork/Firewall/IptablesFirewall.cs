using Flannel.Core;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Firewall;

/// <summary>Chains through <c>iptables-save</c> and <c>iptables-restore</c>. One read per check.</summary>
/// <param name="network">Whose rules are compared; null for all networks of flanneld.</param>
internal sealed class IptablesFirewall(IptablesPrograms programs, IpNetwork? network)
{
    // Seconds that iptables-restore waits while another program holds the lock.
    private const string LockWait = "5";

    // Plans that remain after they were applied: a version that prints a rule in another way must not be written to at each check.
    private readonly Dictionary<string, string> remaining = new(StringComparer.Ordinal);

    /// <param name="table">Null for all tables.</param>
    public async Task<Result<IptablesSnapshot>> ReadAsync(string? table, CancellationToken cancellation)
    {
        string[] arguments = table is null ? [] : ["-t", table];
        var text = await FirewallCommand.ReadAsync(programs.Save, arguments, "", cancellation);
        return text.Select(IptablesSnapshot.Parse);
    }

    /// <returns>Whether something was changed.</returns>
    public async Task<Result<bool>> ReconcileAsync(IptablesTable desired, IptablesSnapshot observed, CancellationToken cancellation)
    {
        var plan = IptablesPlan.Compose(desired, observed, network);
        if (plan.Length == 0 || remaining.GetValueOrDefault(desired.Name) == plan) return false;
        var written = await FirewallCommand.ReadAsync(programs.Restore, ["-w", LockWait, "--noflush"], plan, cancellation);
        if (!written.Ok) return Result.Failure(written.Error);
        var read = await ReadAsync(desired.Name, cancellation);
        if (!read.Ok) return Result.Failure(read.Error);
        remaining[desired.Name] = IptablesPlan.Compose(desired, read.Value, network);
        return true;
    }
}
