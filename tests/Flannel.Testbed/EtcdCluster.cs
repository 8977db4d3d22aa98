using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Flannel.Testbed;

/// <summary>
/// Real etcd members, one or three, each on a machine of its own, with mutual TLS and authentication: root for the operator, and a user
/// for flanneld whose role reaches flannel's prefix and nothing else. Keys are read and written as an operator does it, by etcdctl.
/// </summary>
public sealed class EtcdCluster : IAsyncDisposable
{
    public const string UserName = "flanneld";
    public const string Password = $"the-{SecretWatch.Mark}'s-own";

    private const string RootPassword = "the operator's own";
    private const string Control = "/usr/bin/etcdctl";

    private readonly NetworkSwitch network;
    private readonly TestAuthority authority;
    private readonly CertificateFiles operatorFiles;
    private readonly string folder;
    private bool authentication;
    private int restores;

    private EtcdCluster(NetworkSwitch network, TestAuthority authority, string folder, IReadOnlyList<EtcdMember> members)
    {
        (this.network, this.authority, this.folder, Members) = (network, authority, folder, members);
        operatorFiles = authority.Issue("operator");
        PasswordFile = Path.Combine(folder, "password");
        File.WriteAllText(PasswordFile, Password + "\n");
        ClientFiles = authority.Issue("client");
    }

    public IReadOnlyList<EtcdMember> Members { get; }

    public string Endpoints => string.Join(',', Members.Select(member => member.Endpoint));

    /// <summary>What flanneld is told to reach it.</summary>
    public IReadOnlyList<string> ClientArguments =>
    [
        $"--etcd-endpoints={Endpoints}", $"--etcd-cafile={authority.CertificateFile}", $"--etcd-certfile={ClientFiles.Certificate}",
        $"--etcd-keyfile={ClientFiles.Key}", $"--etcd-username={UserName}", $"--etcd-password-file={PasswordFile}",
    ];

    private CertificateFiles ClientFiles { get; }

    private string PasswordFile { get; }

    /// <param name="arguments">For every member, beside the usual ones.</param>
    public static async Task<EtcdCluster> StartAsync(NetworkSwitch network, TestAuthority authority, string folder, int members, IReadOnlyList<string> arguments, CancellationToken cancel)
    {
        List<EtcdMember> made = [];
        for (var number = 1; number <= members; number++)
        {
            var ns = await NetworkNamespace.CreateAsync($"etcd{number}", cancel);
            var member = new EtcdMember(number, ns, Path.Combine(folder, $"etcd{number}"), authority, arguments);
            made.Add(member);
            await network.ConnectAsync(ns, member.Port, string.Create(CultureInfo.InvariantCulture, $"00:16:3e:ff:00:{number:x2}"), member.Address, cancel);
        }
        var cluster = new EtcdCluster(network, authority, folder, made);
        try
        {
            await cluster.StartMembersAsync(cancel);
            await cluster.EnableAuthenticationAsync(cancel);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts those that do not run, and waits until all serve.</summary>
    public async Task StartMembersAsync(CancellationToken cancel)
    {
        await Task.WhenAll(Members.Where(member => !member.IsRunning).Select(StartMemberAsync));
        await WaitUntilHealthyAsync(cancel);
    }

    public Task StartMemberAsync(EtcdMember member) => member.StartAsync(InitialCluster);

    /// <summary>Until every member serves.</summary>
    public async Task WaitUntilHealthyAsync(CancellationToken cancel)
    {
        foreach (var member in Members)
        {
            await Eventually.IsAsync($"{member.Name} serves", async () => member.IsRunning
                ? await member.IsHealthyAsync(cancel)
                : throw new TestbedException($"{member.Name} ended\n{member.Process.StandardError}"), cancel, TimeSpan.FromSeconds(60), () => member.Process.StandardError);
        }
    }

    /// <summary>The member that leads now; waits for one. A cut off leader goes on believing for a moment: ask after <paramref name="among"/>.</summary>
    public Task<EtcdMember> LeaderAsync(CancellationToken cancel, Func<EtcdMember, bool>? among = null) => Eventually.HasAsync("the members have a leader", async () =>
    {
        foreach (var member in Members.Where(member => among?.Invoke(member) ?? true))
        {
            if (await member.IsLeaderAsync(cancel))
            {
                return member;
            }
        }
        return null;
    }, cancel);

    public Task CutOffAsync(CancellationToken cancel, params EtcdMember[] members) => network.CutOffAsync(cancel, [.. members.Select(member => member.Port)]);

    public Task HealAsync(CancellationToken cancel, params EtcdMember[] members) => network.HealAsync(cancel, [.. members.Select(member => member.Port)]);

    public Task PutAsync(string key, string value, CancellationToken cancel, long leaseId = 0) =>
        ControlAsync(cancel, "put", key, value, string.Create(CultureInfo.InvariantCulture, $"--lease={leaseId:x}"));

    public Task DeleteAsync(string key, CancellationToken cancel) => ControlAsync(cancel, "del", key);

    /// <summary>Writes as soon as the cluster takes writes, and says how long that took.</summary>
    public async Task<TimeSpan> PutEventuallyAsync(string key, string value, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        await Eventually.IsAsync("etcd takes a write", async () => (await TryControlAsync(cancel, "put", key, value)).ExitCode == 0, cancel, TimeSpan.FromSeconds(60));
        return Stopwatch.GetElapsedTime(started);
    }

    /// <summary>All keys that start with the prefix, in order.</summary>
    public async Task<IReadOnlyList<EtcdKey>> ListAsync(string prefix, CancellationToken cancel)
    {
        var answer = JsonNode.Parse(await ControlAsync(cancel, "get", "--prefix", prefix, "--write-out=json"))!;
        return [.. (answer["kvs"]?.AsArray() ?? []).Select(pair => new EtcdKey(
            Text(pair!["key"]), Text(pair["value"]), (long?)pair["lease"] ?? 0, (long)pair["create_revision"]!, (long)pair["mod_revision"]!))];
    }

    /// <summary>A new etcd lease; its id.</summary>
    public async Task<long> GrantAsync(TimeSpan timeToLive, CancellationToken cancel)
    {
        // "lease 694d… granted with TTL(60s)"
        var said = await ControlAsync(cancel, "lease", "grant", ((long)timeToLive.TotalSeconds).ToString(CultureInfo.InvariantCulture));
        return long.Parse(said.Split(' ')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    /// <summary>Saves a snapshot of the first member.</summary>
    /// <returns>The file.</returns>
    public async Task<string> SaveSnapshotAsync(CancellationToken cancel)
    {
        var file = Path.Combine(folder, "snapshot.db");
        await ProcessCommand.RunAsync(Etcdctl(Members[0].Endpoint, ["snapshot", "save", file]), cancel);
        return file;
    }

    /// <summary>What an operator does after a disaster: every member stops and starts again on the snapshot.</summary>
    public async Task RestoreSnapshotAsync(string file, CancellationToken cancel)
    {
        restores++;
        foreach (var member in Members)
        {
            await member.StopAsync(cancel);
            member.Folder = string.Create(CultureInfo.InvariantCulture, $"{Path.Combine(folder, member.Name)}-restored-{restores}");
            await ProcessCommand.RunAsync(new ProgramStart(Control,
                ["snapshot", "restore", file, $"--name={member.Name}", $"--data-dir={member.Folder}", $"--initial-cluster={InitialCluster}", $"--initial-advertise-peer-urls={member.PeerUrl}"])
            { Environment = Version3 }, cancel);
        }
        await StartMembersAsync(cancel);
    }

    /// <summary>Runs etcdctl as the operator, from the mainland, against all members.</summary>
    public Task<string> ControlAsync(CancellationToken cancel, params string[] arguments) => ProcessCommand.RunAsync(Etcdctl(Endpoints, arguments), cancel);

    public Task<CommandResult> TryControlAsync(CancellationToken cancel, params string[] arguments) => ProcessCommand.TryRunAsync(Etcdctl(Endpoints, arguments), cancel);

    public async ValueTask DisposeAsync()
    {
        foreach (var member in Members)
        {
            await member.DisposeAsync();
        }
    }

    private static Dictionary<string, string> Version3 => new() { ["ETCDCTL_API"] = "3" };

    private string InitialCluster => string.Join(',', Members.Select(member => $"{member.Name}={member.PeerUrl}"));

    private async Task EnableAuthenticationAsync(CancellationToken cancel)
    {
        string[][] commands =
        [
            ["user", "add", $"root:{RootPassword}"],
            ["role", "add", "flannel"],
            ["role", "grant-permission", "flannel", "readwrite", "--prefix=true", $"{TestVpc.Prefix}/"],
            ["user", "add", $"{UserName}:{Password}"],
            ["user", "grant-role", UserName, "flannel"],
            ["auth", "enable"],
        ];
        foreach (var command in commands)
        {
            await ControlAsync(cancel, command);
        }
        authentication = true;
    }

    private ProgramStart Etcdctl(string endpoints, IReadOnlyList<string> arguments) => new(Control,
    [
        $"--endpoints={endpoints}", $"--cacert={authority.CertificateFile}", $"--cert={operatorFiles.Certificate}", $"--key={operatorFiles.Key}",
        "--dial-timeout=2s", "--command-timeout=5s", .. authentication ? [$"--user=root:{RootPassword}"] : Array.Empty<string>(), .. arguments,
    ])
    { Namespace = network.Namespace, Environment = Version3 };

    private static string Text(JsonNode? value) => Encoding.UTF8.GetString(Convert.FromBase64String((string?)value ?? ""));
}
