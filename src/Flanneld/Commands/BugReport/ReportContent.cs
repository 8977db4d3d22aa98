using System.Text;
using Flannel.Core;
using Flannel.Core.Configuration;
using Flanneld.Clients;
using Flanneld.Commands.Check;
using Flanneld.Commands.Config;
using Flanneld.Commands.Leases;
using Flanneld.Commands.Status;
using Flanneld.Host;
using Flanneld.Options;

namespace Flanneld.Commands.BugReport;

/// <summary>What the parts of the report contain.</summary>
/// <param name="opened">Parts that need no connections are read even if there are none.</param>
internal sealed class ReportContent(DaemonOptions options, Result<Connections> opened, ClientContext context, ReportHost host)
{
    /// <summary>For most parts. Each request to etcd and to the metadata service has a shorter one of its own.</summary>
    private static readonly TimeSpan ShortLimit = TimeSpan.FromSeconds(20);

    /// <summary>For the check, which asks one service after the other.</summary>
    private static readonly TimeSpan LongLimit = TimeSpan.FromSeconds(90);

    /// <summary>The parts in their order. Nothing is read yet.</summary>
    public IReadOnlyList<ReportPart> CreateParts() =>
    [
        new("versions", ShortLimit, Always(() => $"flanneld {ProgramVersion.Text}\n{host.DescribeVersions()}")),
        new(options.IsKubeSubnetManager ? "Kubernetes" : "etcd", ShortLimit, WithConnections(ReadServersAsync)),
        new("settings", ShortLimit, Always(DescribeSettings)),
        new("flanneld config get", ShortLimit, WithConnections((connections, stop) => new ConfigGet(options, connections).ReadAsync(stop))),
        new("flanneld status", ShortLimit, WithConnections(ReadStatusAsync)),
        new("flanneld leases --output wide", ShortLimit, WithConnections(ReadLeasesAsync)),
        new("flanneld check, and check --output json", LongLimit, WithConnections(ReadCheckAsync)),
        new("/healthz", ShortLimit, stop => ReadHealthAsync("/healthz", stop)),
        new("/readyz?verbose", ShortLimit, stop => ReadHealthAsync("/readyz?verbose", stop)),
        new("/metrics", ShortLimit, stop => ReadHealthAsync("/metrics", stop)),
        new("subnet.env", ShortLimit, Always(ReadSubnetFile)),
        new("systemctl show and status", ShortLimit, Always(host.ReadUnitAsync)),
        new("drop-ins", ShortLimit, Always(host.ReadDropIns)),
        new("last 500 lines of the journal", ShortLimit, Always(host.ReadJournalAsync)) { KeepsEnd = true },
        new("ip", ShortLimit, Always(host.ReadNetworkAsync)),
        new("firewall rules of flanneld", ShortLimit, Always(host.ReadFirewallAsync)),
    ];

    /// <summary>The secrets that no part may show.</summary>
    public async Task<IReadOnlyList<string>> FindSecretsAsync(CancellationToken cancellation)
    {
        ReadOnlyMemory<byte>? config = null;
        if (opened.Ok)
        {
            var stored = await StoreErrors.ToResultAsync(
                async () => (Result<StoredConfig>)await new ConfigReader(opened.Value).ReadAsync(cancellation));
            if (stored.Ok) config = stored.Value.Value;
        }

        return KnownSecrets.Find(options, context.Environment, config);
    }

    private static Func<CancellationToken, Task<Result<string>>> Always(Func<string> read) => _ => Task.FromResult<Result<string>>(read());

    private static Func<CancellationToken, Task<Result<string>>> Always(Func<CancellationToken, Task<string>> read) =>
        async stop => await read(stop);

    private Func<CancellationToken, Task<Result<string>>> WithConnections(
        Func<Connections, CancellationToken, Task<Result<string>>> read) =>
        stop => opened.Ok ? read(opened.Value, stop) : Task.FromResult<Result<string>>(Result.Failure(opened.Error));

    private static Task<Result<string>> ReadServersAsync(Connections connections, CancellationToken cancellation) =>
        StoreErrors.ToResultAsync<string>(async () => await connections.Store.DescribeServersAsync(cancellation));

    private string DescribeSettings()
    {
        var text = new StringBuilder();
        if (options.SettingsError is { } error)
            text.Append($"invalid, so that this report uses the defaults: {error}\n").Append(DescribeVariables());
        foreach (var setting in options.Sources) text.Append($"{setting.Name}={setting.Value}  ({setting.Source})\n");
        if (options is { Sources.Count: 0, SettingsError: null }) text.Append("the defaults\n");
        foreach (var line in options.Warnings) text.Append("warning: ").Append(line).Append('\n');
        var others = context.Environment.Keys.Where(IsRead).Order(StringComparer.Ordinal).ToList();
        if (others.Count > 0) text.Append($"other variables, whose values are not shown: {string.Join(", ", others)}\n");
        return text.ToString();
    }

    /// <summary>The variables of this process and of the installed service, without secrets.</summary>
    private string DescribeVariables() => string.Concat(
        from flag in Flags.All
        where flag.HasVariable && context.Environment.ContainsKey(flag.EnvironmentName)
        select $"{flag.EnvironmentName}={flag.Show(context.Environment[flag.EnvironmentName])}\n");

    /// <summary>Variables of the cloud's SDKs, and of proxies.</summary>
    private static bool IsRead(string variable) =>
        variable.StartsWith("ALIBABA_CLOUD_", StringComparison.Ordinal) || variable.StartsWith("ALICLOUD_", StringComparison.Ordinal)
        || variable.StartsWith("ACCESS_KEY_", StringComparison.Ordinal)
        || variable.EndsWith("_PROXY", StringComparison.OrdinalIgnoreCase);

    private async Task<Result<string>> ReadStatusAsync(Connections connections, CancellationToken cancellation)
    {
        var command = new StatusCommand(options, connections, context.Time);
        var node = await command.ReadAsync(cancellation);
        return node.Select(found => command.ToDocument(found).Format(OutputFormat.Table));
    }

    private async Task<Result<string>> ReadLeasesAsync(Connections connections, CancellationToken cancellation)
    {
        var leases = await new LeaseListing(options, connections, context.Time).ReadAsync(cancellation);
        return leases.Select(found => found.Document.Format(OutputFormat.Wide));
    }

    private async Task<Result<string>> ReadCheckAsync(Connections connections, CancellationToken cancellation)
    {
        var report = await new CheckCommand(options, connections, context).ReadAsync(cancellation);
        return $"{report.ToTable()}\n{report.ToJson()}";
    }

    private async Task<Result<string>> ReadHealthAsync(string path, CancellationToken cancellation)
    {
        if (options.HealthzPort == 0)
        {
            return Result.Failure(options.SettingsError is null
                ? "--healthz-port is 0: the daemon has no health server"
                : "the port of the health server is not known: the settings are invalid");
        }

        var response = await new HealthClient(options).ReadAsync(path, cancellation);
        return response.Select(found => $"HTTP {(int)found.Status}\n{found.Text}");
    }

    private string ReadSubnetFile() => $"# {Redaction.Path(options.SubnetFile)}\n" + new SubnetFile(options.SubnetFile).Read() switch
    {
        SubnetFileState.Present present => Encoding.UTF8.GetString(present.Content),
        SubnetFileState.Unreadable unreadable => unreadable.Error + "\n",
        _ => "there is none\n",
    };
}
