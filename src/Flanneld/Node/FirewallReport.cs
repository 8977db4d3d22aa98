using Flannel.HostNetwork.Firewall;
using Flanneld.Observability.Prometheus;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>Reports the results of one kind of firewall rules.</summary>
/// <param name="rules">The kind, for the log.</param>
internal sealed class FirewallReport(string rules, string network, ILogger logger)
{
    private FirewallResult? last;

    /// <summary>Counts the restorations of the rules.</summary>
    public required Counter Repairs { get; init; }

    /// <summary>The flag that asks for the rules.</summary>
    public required string Flag { get; init; }

    public required bool IsDesired { get; init; }

    /// <summary>Whether the node is not ready without the rules.</summary>
    public required bool IsRequired { get; init; }

    /// <summary>Whether the rules are to be checked again.</summary>
    public bool IsKept => IsDesired && (IsRequired || last is FirewallResult.InPlace or FirewallResult.Failed);

    /// <returns>Why required rules are not in place, one line; null when they are, or are not required.</returns>
    public string? Report(FirewallResult result)
    {
        var isNew = result != last;
        switch (result)
        {
            case FirewallResult.InPlace inPlace:
                ReportInPlace(inPlace);
                // What was changed does not matter to the next pass.
                result = inPlace with { IsChanged = false };
                break;
            case FirewallResult.NotChecked:
                // The result of an earlier pass, or of the permission, remains.
                return null;
            case FirewallResult.Unavailable unavailable when !IsRequired:
                if (isNew) FirewallLog.ForwardingUnavailable(logger, network, unavailable.Reason);
                break;
            default:
                ReportError(Describe(result), isNew);
                break;
        }

        last = result;
        return IsRequired && result is not FirewallResult.InPlace ? Describe(result) : null;
    }

    private string Describe(FirewallResult result) => result switch
    {
        FirewallResult.Failed failed when !IsDesired => $"cannot look for {rules} rules of an earlier run: {failed.Error}",
        FirewallResult.Failed failed => $"{Flag}: {failed.Error}",
        FirewallResult.Unavailable unavailable => $"{Flag}: {unavailable.Reason}",
        _ => Flag,
    };

    private void ReportError(string error, bool isNew)
    {
        if (!isNew) return;
        if (!IsDesired) FirewallLog.EarlierRulesUnknown(logger, error);
        else if (IsRequired) FirewallLog.RequiredRulesFailed(logger, error);
        else FirewallLog.RulesFailed(logger, error);
    }

    private void ReportInPlace(FirewallResult.InPlace result)
    {
        if (!IsDesired)
        {
            if (result.IsChanged) FirewallLog.Removed(logger, rules, network);
            return;
        }

        if (last is not FirewallResult.InPlace)
        {
            FirewallLog.InPlace(logger, rules, network, result.Program);
            return;
        }

        if (!result.IsChanged) return;
        Repairs.Increment();
        FirewallLog.Restored(logger, rules, network);
    }
}
