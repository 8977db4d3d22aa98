namespace Flannel.HostNetwork.Firewall;

/// <summary>The result of one kind of rules in one pass.</summary>
public abstract record FirewallResult
{
    private FirewallResult()
    {
    }

    /// <summary>The rules are as desired.</summary>
    /// <param name="IsChanged">Whether the pass had to change them.</param>
    /// <param name="Program">That manages them: nft or iptables.</param>
    public sealed record InPlace(bool IsChanged, string Program) : FirewallResult;

    /// <summary>The rules are not desired, and this pass did not look for earlier ones.</summary>
    public sealed record NotChecked : FirewallResult;

    /// <summary>Nothing can be done without a program or a permission that this process does not have.</summary>
    /// <param name="Reason">One line.</param>
    public sealed record Unavailable(string Reason) : FirewallResult;

    /// <param name="Error">One line.</param>
    public sealed record Failed(string Error) : FirewallResult;
}

/// <summary>The result of comparing the firewall with the desired rules.</summary>
public sealed record FirewallPass(FirewallResult Masquerading, FirewallResult Forwarding);
