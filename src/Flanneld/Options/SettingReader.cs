using Flannel.Core;

namespace Flanneld.Options;

/// <summary>Reads each flag from the first of several places that has it.</summary>
/// <param name="layers">The one with the highest precedence first.</param>
internal sealed class SettingReader(DaemonOptions options, IReadOnlyList<SettingLayer> layers)
{
    /// <summary>The sets of alternatives of which this process has a value: those of the installed service do not count.</summary>
    private readonly HashSet<string> replaced = [];

    /// <summary>This process names an etcd without TLS: the certificates of the installed service are not for it.</summary>
    private bool isPlainEtcdGiven;

    public Result<Unit> Read()
    {
        foreach (var flag in Flags.All)
        {
            if (flag.Alternatives is { } name && layers.Any(layer => !layer.IsInstalled && layer.Find(flag).Count > 0)) replaced.Add(name);
        }

        foreach (var flag in Flags.All)
        {
            var read = Read(flag);
            if (!read.Ok) return read;
        }

        return Unit.Instance;
    }

    /// <summary>Files with Windows line ends leave a CR after each value, and editors leave blanks. A password may begin or end with
    /// blanks, also one that follows a user name.</summary>
    public static string Trim(Flag flag, string value) => flag.IsSecret ? value.TrimEnd('\r', '\n') : value.Trim();

    private Result<Unit> Read(Flag flag)
    {
        foreach (var layer in layers)
        {
            if (layer.IsInstalled && IsTakenFromThisProcessOnly(flag)) continue;
            var values = layer.Find(flag);
            if (values.Count == 0) continue;
            foreach (var value in values)
            {
                var read = Read(flag, value);
                if (!read.Ok) return read;
            }

            // The endpoints come before the certificates in the list of all flags.
            if (flag.IsEtcdEndpoints) isPlainEtcdGiven = !layer.IsInstalled && !options.IsEtcdTls;
            return Unit.Instance;
        }

        return Unit.Instance;
    }

    private Result<Unit> Read(Flag flag, GivenValue given)
    {
        if (flag.Only is { } only && !only.Contains(options.Command))
        {
            var commands = string.Join(", ", only.Select(command => $"'flanneld {CommandDescriptor.NameOf(command)}'"));
            return Result.Failure($"{flag.ShownName} is a flag of {commands}");
        }

        var value = Trim(flag, given.Text ?? "true");
        if (value.Length == 0 && !flag.TakesEmpty) return Unit.Instance;
        var read = ReadValue(flag, value);
        if (!read.Ok) return read.WithErrorPrefix($"{given.Name}: ");
        options.IsPasswordOnCommandLine |= given.IsOnCommandLine && flag.IsSecret && options.EtcdPassword is not null;
        options.Sources.Add(new SettingSource(flag.ShownName, given.Source, flag.Show(value)));
        return Unit.Instance;
    }

    /// <summary>Shells and systemd remove quotation marks; docker's --env-file and Kubernetes keep them.</summary>
    private Result<Unit> ReadValue(Flag flag, string value) =>
        !flag.IsSecret && value.Length > 1 && value[0] is '"' or '\'' && value[^1] == value[0]
            ? Result.Failure("the value is in quotation marks; remove them")
            : flag.Read(options, value);

    /// <summary>Whether the values of the installed service are not for this process.</summary>
    private bool IsTakenFromThisProcessOnly(Flag flag) =>
        flag.IsOfProcess || (flag.Alternatives is { } name && replaced.Contains(name)) || (flag.NeedsEtcdTls && isPlainEtcdGiven);
}
