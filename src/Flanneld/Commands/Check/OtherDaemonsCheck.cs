using System.Globalization;
using Flannel.HostNetwork.Vxlan;
using Flanneld.Commands.Check.Facts;
using Flanneld.Host;
using Flanneld.Host.Interfaces;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary>Looks for other flannel daemons: two of them on one host write the same routes, rules or subnet files.</summary>
internal sealed class OtherDaemonsCheck(HostFiles files, DaemonOptions options, CheckSection results)
{
    private const string Program = "flanneld";
    private const string SubnetFileFlag = "subnet-file";

    /// <summary>Where flannel's packages, its DaemonSet and older releases put the file.</summary>
    private static readonly string[] UsualSubnetFiles =
        [OptionDefaults.SubnetFile, "/var/run/flannel/subnet.env", "/etc/flannel/subnet.env"];

    public void Run()
    {
        CheckProcesses();
        CheckSubnetFiles();
    }

    /// <summary>Devices that a VXLAN backend makes.</summary>
    /// <param name="own">The device of this configuration; null without a tunnel.</param>
    public static void CheckDevices(IEnumerable<HostInterface> interfaces, string? own, CheckSection results)
    {
        var others = interfaces.Select(device => device.Name).Where(name => VxlanDevice.IsName(name) && !IsOwn(name, own)).ToList();
        if (others.Count == 0) return;
        results.Add(CheckResult.Warning(
            CheckKind.TunnelDevices, $"{string.Join(", ", others)} of another flannel daemon, or of an earlier configuration",
            $"if no other daemon uses it: {string.Join("; ", others.Select(name => $"ip link delete {name}"))}"));
    }

    /// <summary>The devices of both families have the same number.</summary>
    private static bool IsOwn(string name, string? own) =>
        own is not null && name[(name.LastIndexOf('.') + 1)..] == own[(own.LastIndexOf('.') + 1)..];

    private void CheckProcesses()
    {
        var processes = new HostProcesses(files);
        var found = processes.Find(Program)
            .Where(process => process.Id != Environment.ProcessId && !IsCommand(process)).ToList();
        if (found.Count > 0 && SubnetFileLock.ReadHolder(files.PathOf(options.SubnetFile)) is { Ok: false } unreadable)
        {
            results.Add(CheckResult.Unknown(
                CheckKind.OtherDaemons,
                $"{found.Count} flanneld running; which of them has this subnet file is not known: {unreadable.Error}"));
            return;
        }

        var others = found.Where(process => !IsHolder(process, options.SubnetFile)).ToList();
        // On a full disk the lock names no process. Two daemons of this program with one subnet file cannot run at once.
        if (others is [var only] && found.Count == 1 && processes.IsThisProgram(only.Id) && SubnetFileOf(only) == options.SubnetFile)
            others.Clear();
        if (others.Count == 0)
        {
            results.Add(CheckResult.Ok(CheckKind.OtherDaemons, found.Count == 0 ? "no flanneld runs" : $"only process {found[0].Id}"));
            return;
        }

        foreach (var other in others)
        {
            var isKubernetes = other.Arguments.Any(
                argument => argument.TrimStart('-').StartsWith("kube-subnet-mgr", StringComparison.Ordinal));
            var isOurs = IsHolder(other, SubnetFileOf(other));
            var what = isOurs ? "another daemon of this program" : "another flannel";
            results.Add(CheckResult.Warning(
                CheckKind.OtherDaemons,
                $"{what} runs: process {other.Id}, {(other.Arguments is [var program, ..] ? program : Program)}, subnet file {SubnetFileOf(other)}"
                + (isKubernetes ? " (kube-flannel)" : ""),
                isKubernetes
                    ? "let one of them serve this node: exclude it from the DaemonSet kube-flannel, or do not run this daemon here"
                    : "stop one of them, unless each has a network and a subnet file of its own"));
        }
    }

    /// <summary>A command of this program, such as another check.</summary>
    private static bool IsCommand(HostProcess process) =>
        process.Arguments.Count > 1 && CommandDescriptor.Find(process.Arguments[1]) is not null;

    /// <summary>Only this program writes its process id to the lock of its subnet file.</summary>
    private bool IsHolder(HostProcess process, string subnetFile) =>
        SubnetFileLock.ReadHolder(files.PathOf(subnetFile)) is { Ok: true } holder
        && holder.Value.Text.EndsWith(
            string.Create(CultureInfo.InvariantCulture, $", process {process.Id}"), StringComparison.Ordinal);

    private static string SubnetFileOf(HostProcess process)
    {
        for (var i = 1; i < process.Arguments.Count; i++)
        {
            var argument = process.Arguments[i];
            if (!argument.StartsWith('-')) continue;
            var parts = argument.TrimStart('-').Split('=', 2);
            if (parts[0] != SubnetFileFlag) continue;
            if (parts.Length == 2) return parts[1];
            if (i + 1 < process.Arguments.Count) return process.Arguments[i + 1];
        }

        return OptionDefaults.SubnetFile;
    }

    /// <summary>Docker and CNI plug-ins read one of them, and it may be the wrong one.</summary>
    private void CheckSubnetFiles()
    {
        var own = PublishedSubnet.Read(files, options.SubnetFile);
        var seen = new List<string>();
        foreach (var path in UsualSubnetFiles.Where(path => path != options.SubnetFile))
        {
            if (PublishedSubnet.Read(files, path) is not { } other || other == own || seen.Contains(other.ToString())) continue;
            // /var/run is /run: one file with two paths.
            seen.Add(other.ToString());
            results.Add(CheckResult.Warning(
                CheckKind.OtherSubnetFiles,
                $"{path} has {other.BridgeAddress}, and {options.SubnetFile} has {own?.BridgeAddress ?? "no subnet"}",
                $"delete {path} if no daemon writes it, and let Docker and CNI read {options.SubnetFile}"));
        }
    }
}
