using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>Which messages are counted instead of repeated.</summary>
internal static class RepeatRules
{
    /// <summary>Answers to a signal: an operator who asks twice wants two answers.</summary>
    private const int FirstAnswer = 1030;
    private const int LastAnswer = 1039;

    /// <summary>Events that are the states of one thing. When one of them is logged, another one is news again.</summary>
    private static readonly int[][] States =
    [
        // etcd: unavailable, available, rejects requests.
        [2000, 2001, 2004],
        // The network configuration before the lease: missing, invalid, valid.
        [1101, 1102, 1103],
        // The subnet that the subnet manager assigns: none, not usable, leased.
        [1160, 1161, 1107],
        // This node's route.
        [1109, 1110, 1111],
        [1147, 1148],
        [1134, 1135],
        // subnet.env: in place, removed, not written.
        [1112, 1113, 1114],
        // The network configuration of a running node.
        [1115, 1129, 1143],
        // The route controller as this node sees it.
        [1116, 1117, 1118],
        // This node's candidacy.
        [1119, 1120, 1121, 1122],
        // The tunnel.
        [1154, 1155],
        // Firewall rules.
        [1180, 1181, 1183, 1184],
    ];

    /// <summary>Messages for developers are complete, and a critical one is never held back.</summary>
    public static bool IsCounted(LogLine line) =>
        line.Level is LogLevel.Information or LogLevel.Warning or LogLevel.Error && line.Event.Id is < FirstAnswer or > LastAnswer;

    /// <summary>The events whose repeats end when this one is logged; null for an event without such others.</summary>
    public static IReadOnlyList<int>? StatesOf(int eventId) => Array.Find(States, states => states.Contains(eventId));
}
