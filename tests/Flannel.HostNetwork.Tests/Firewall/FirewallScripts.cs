using System.Diagnostics;
using System.Globalization;
using Flannel.HostNetwork.Firewall;
using Flannel.Testbed;

namespace Flannel.HostNetwork.Tests.Firewall;

/// <summary>Shell scripts in place of nft and iptables.</summary>
internal sealed class FirewallScripts : IDisposable
{
    /// <summary>exec: the started process itself hangs, which must be killed.</summary>
    public const string Hang = "echo $$ > \"$0.part\"\nmv \"$0.part\" \"$0.pid\"\nexec sleep 600\n";

    private readonly RunFolder folder = new("firewall");

    public string Folder => folder.Path;

    public FirewallPrograms Programs => new(new ProgramFolders([Folder])) { LacksPermission = () => false };

    public void Install(string program, string script)
    {
        var path = Path.Combine(Folder, program);
        File.WriteAllText(path, "#!/bin/sh\n" + script);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Installs commands that run in the namespace.</summary>
    /// <param name="variant">"iptables-nft" or "iptables-legacy"; null for none.</param>
    public void InstallReal(NetworkNamespace host, bool nft, string? variant)
    {
        if (nft) Install("nft", $"exec nsenter --net={host.Path} /usr/sbin/nft \"$@\"\n");
        if (variant is null) return;
        foreach (var command in new[] { "save", "restore" })
        {
            Install($"iptables-{command}", $"exec nsenter --net={host.Path} /usr/sbin/{variant}-{command} \"$@\"\n");
            Install($"ip6tables-{command}", $"exec nsenter --net={host.Path} /usr/sbin/{Ipv6VariantOf(variant)}-{command} \"$@\"\n");
        }
    }

    /// <summary>"ip6tables-nft" for "iptables-nft".</summary>
    public static string Ipv6VariantOf(string variant) => variant.Replace("iptables", "ip6tables", StringComparison.Ordinal);

    /// <summary>The process id of <see cref="Hang"/>.</summary>
    public async Task<int> StartedAsync(string program, CancellationToken cancel)
    {
        var file = Path.Combine(Folder, program + ".pid");
        await Eventually.IsAsync($"{program} runs", () => Task.FromResult(File.Exists(file)), cancel);
        return int.Parse(await File.ReadAllTextAsync(file, cancel), CultureInfo.InvariantCulture);
    }

    public static Task EndedAsync(int pid, CancellationToken cancel) => Eventually.IsAsync("the command has ended", () =>
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return Task.FromResult(process.HasExited);
        }
        catch (ArgumentException)
        {
            return Task.FromResult(true);
        }
    }, cancel);

    public void Dispose() => folder.Dispose();
}
