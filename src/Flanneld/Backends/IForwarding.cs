namespace Flanneld.Backends;

/// <summary>What a backend must set up on the host before the subnet may be used. Thread-safe.</summary>
internal interface IForwarding
{
    /// <summary>Why it is not set up, one line; null when it is.</summary>
    string? NotReadyReason { get; }

    /// <summary>How many other nodes are reached through it.</summary>
    int Peers { get; }

    /// <summary>Completes when one of them changes.</summary>
    Task Changed { get; }
}
