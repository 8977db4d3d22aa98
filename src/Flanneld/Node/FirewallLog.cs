using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>Event ids 1180 to 1189. An id is never reused for another meaning.</summary>
internal static partial class FirewallLog
{
    [LoggerMessage(1180, LogLevel.Information, "{Rules} rules of {Network} are in place ({Program})")]
    public static partial void InPlace(ILogger logger, string rules, string network, string program);

    [LoggerMessage(
        1181, LogLevel.Information,
        "forwarding rules of {Network} are not set: {Reason}; if this host drops forwarded packets, let flanneld set them (drop-in"
        + " forward-rules.conf) or set them yourself; --iptables-forward-rules=false omits this line")]
    public static partial void ForwardingUnavailable(ILogger logger, string network, string reason);

    [LoggerMessage(1182, LogLevel.Warning, "restored the {Rules} rules of {Network}: another program changed them")]
    public static partial void Restored(ILogger logger, string rules, string network);

    [LoggerMessage(1183, LogLevel.Error, "{Reason}; the node is not ready without the rules; retrying")]
    public static partial void RequiredRulesFailed(ILogger logger, string reason);

    [LoggerMessage(1184, LogLevel.Warning, "{Reason}; retrying")]
    public static partial void RulesFailed(ILogger logger, string reason);

    [LoggerMessage(1185, LogLevel.Information, "removed {Rules} rules of {Network} that an earlier run had set")]
    public static partial void Removed(ILogger logger, string rules, string network);

    [LoggerMessage(1186, LogLevel.Warning, "{Reason}; 'flanneld cleanup' removes them")]
    public static partial void EarlierRulesUnknown(ILogger logger, string reason);
}
