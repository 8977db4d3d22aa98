namespace Flannel.HostNetwork.Firewall;

/// <summary>What this host has for firewall rules.</summary>
public sealed class FirewallPrograms(ProgramFolders folders)
{
    public static FirewallPrograms OfThisHost() => new(ProgramFolders.OfThisHost());

    /// <summary>Whether nothing must be tried without being asked for: a change would be refused. False if it is not known.</summary>
    public Func<bool> LacksPermission { get; init; } = () => ProcessCapabilities.HasNetAdmin() == false;

    /// <summary>The path of a program; null if it is not installed.</summary>
    public string? Find(string program) => folders.Find(program);

    /// <inheritdoc cref="ProgramFolders.Advise"/>
    public string Advise(string package) => folders.Advise(package);

    /// <summary>The commands of iptables, or of ip6tables, that read and write all rules; null unless both are installed.</summary>
    internal IptablesPrograms? FindIptables(bool isV6)
    {
        var name = NameOfIptables(isV6);
        return Find($"{name}-save") is { } save && Find($"{name}-restore") is { } restore ? new IptablesPrograms(save, restore) : null;
    }

    internal static string NameOfIptables(bool isV6) => isV6 ? "ip6tables" : "iptables";
}

internal sealed record IptablesPrograms(string Save, string Restore);
