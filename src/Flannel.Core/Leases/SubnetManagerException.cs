namespace Flannel.Core.Leases;

/// <summary>A request to the subnet manager failed. The message is one line without a secret.</summary>
public abstract class SubnetManagerException(string message, Exception? inner) : Exception(message, inner)
{
    /// <summary>The subnet manager's name in messages, such as <c>etcd</c>.</summary>
    public abstract string Manager { get; }

    /// <summary>True if retrying the same request can help without a change by an operator.</summary>
    public abstract bool CanRecover { get; }

    /// <summary>The time that the server asks to wait before a retry; null if it does not.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The message after the subnet manager's name, as in <c>etcd: permission denied</c>.</summary>
    public string Summary => $"{Manager}: {Message}";
}
