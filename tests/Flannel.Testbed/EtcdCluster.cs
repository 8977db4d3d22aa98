using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Flannel.Testbed;

/// <summary>
/// Real etcd members, one or three, each in a network namespace, with mutual TLS and authentication: root for the operator, and a user for
/// flanneld whose role allows only flannel's prefix. Tests read and write keys with etcdctl.
/// </summary>
public sealed class EtcdCluster : IAsyncDisposable
{
    public const string UserName = "flanneld";
    public const string Password = $"the-{SecretScanner.Marker}'s-own";

    /// <summary>The path of etcdctl on this machine.</summary>
    public const string ControlProgram = "/usr/bin/etcdctl";

    private const string RootPassword = "the operator's own";

    private readonly NetworkSwitch network;
    private readonly TestCertificateAuthority authority;
    private readonly CertificateFiles operatorFiles;
    private readonly string folder;
    private bool authentication;
    private int restores;

    private EtcdCluster(NetworkSwitch network, TestCertificateAuthority authority, string folder, IReadOnlyList<EtcdMember> members)
    {
        (this.network, this.authority, this.folder, Members) = (network, authority, folder, members);
        operatorFiles = authority.Issue("operator");
        PasswordFile = Path.Combine(folder, "password");
        File.WriteAllText(PasswordFile, Password + "\n");
        ClientFiles = authority.Issue("client");
    }

    public IReadOnlyList<EtcdMember> Members { get; }

    public string Endpoints => string.Join(',', Members.Select(member => member.Endpoint));

    /// <summary>The flags of flanneld for this cluster.</summary>
    public IReadOnlyList<string> ClientArguments =>
    [
        $"--etcd-endpoints={Endpoints}", $"--etcd-cafile={authority.CertificateFile}", $"--etcd-certfile={ClientFiles.Certificate}",
        $"--etcd-keyfile={ClientFiles.Key}", $"--etcd-username={UserName}", $"--etcd-password-file={PasswordFile}",
    ];

    private CertificateFiles ClientFiles { get; }

    private string PasswordFile { get; }

    /// <param name="arguments">Additional arguments of every member.</param>
    public static async Task<EtcdCluster> StartAsync(
        NetworkSwitch network, TestCertificateAuthority authority, string folder, int members, IReadOnlyList<string> arguments,
        CancellationToken cancel)
    {
        List<EtcdMember> created = [];
        for (var number = 1; number <= members; number++)
        {
            var ns = await NetworkNamespace.CreateAsync($"etcd{number}", cancel);
            var member = new EtcdMember(number, ns, Path.Combine(folder, $"etcd{number}"), authority, arguments);
            created.Add(member);
            var mac = string.Create(CultureInfo.InvariantCulture, $"00:16:3e:ff:00:{number:x2}");
            await network.ConnectAsync(ns, member.Port, mac, member.Address, cancel);
        }
        var cluster = new EtcdCluster(network, authority, folder, created);
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

    /// <summary>Starts the members that do not run, and waits until all serve.</summary>
    public async Task StartMembersAsync(CancellationToken cancel)
    {
        await Task.WhenAll(Members.Where(member => !member.IsRunning).Select(StartMemberAsync));
        await WaitUntilHealthyAsync(cancel);
    }

    public Task StartMemberAsync(EtcdMember member) => member.StartAsync(InitialCluster);

    /// <summary>Waits until every member serves.</summary>
    public async Task WaitUntilHealthyAsync(CancellationToken cancel)
    {
        foreach (var member in Members)
        {
            await Eventually.IsAsync($"{member.Name} serves", async () => member.IsRunning
                ? await member.IsHealthyAsync(cancel)
                : throw new TestbedException($"{member.Name} ended\n{member.Process.StandardError}"), cancel, TimeSpan.FromSeconds(60),
                () => member.Process.StandardError);
        }
    }

    /// <summary>Waits for a leader and returns it. An isolated leader reports itself as leader for a short time; exclude it with
    /// <paramref name="among"/>.</summary>
    public Task<EtcdMember> LeaderAsync(CancellationToken cancel, Func<EtcdMember, bool>? among = null) =>
        Eventually.HasAsync("the members have a leader", () => FindLeaderAsync(among, cancel), cancel);

    public Task IsolateAsync(CancellationToken cancel, params EtcdMember[] members) =>
        network.IsolateAsync(cancel, [.. members.Select(member => member.Port)]);

    public Task ReconnectAsync(CancellationToken cancel, params EtcdMember[] members) =>
        network.ReconnectAsync(cancel, [.. members.Select(member => member.Port)]);

    public Task PutAsync(string key, string value, CancellationToken cancel, long leaseId = 0) =>
        ControlAsync(cancel, "put", key, value, string.Create(CultureInfo.InvariantCulture, $"--lease={leaseId:x}"));

    public Task DeleteAsync(string key, CancellationToken cancel) => ControlAsync(cancel, "del", key);

    /// <summary>Retries a write until the cluster accepts it.</summary>
    /// <returns>The time that this took.</returns>
    public async Task<TimeSpan> PutEventuallyAsync(string key, string value, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        await Eventually.IsAsync(
            "etcd accepts a write", async () => (await TryControlAsync(cancel, "put", key, value)).ExitCode == 0, cancel,
            TimeSpan.FromSeconds(60));
        return Stopwatch.GetElapsedTime(started);
    }

    /// <summary>The revision of the last write of a key, as decimal digits; waits until a member serves the request.</summary>
    public Task<string> ModRevisionAsync(string key, CancellationToken cancel) => Eventually.HasAsync(
        $"etcd serves {key}",
        async () =>
        {
            var result = await TryControlAsync(cancel, "get", key, "--write-out=json");
            return result.ExitCode == 0 ? JsonNode.Parse(result.Output)!["kvs"]?[0]?["mod_revision"]?.ToString() : null;
        },
        cancel, TimeSpan.FromSeconds(60));

    /// <summary>All keys that start with the prefix, in order.</summary>
    public async Task<IReadOnlyList<EtcdKey>> ListAsync(string prefix, CancellationToken cancel)
    {
        var response = JsonNode.Parse(await ControlAsync(cancel, "get", "--prefix", prefix, "--write-out=json"))!;
        return [.. (response["kvs"]?.AsArray() ?? []).Select(pair => new EtcdKey(
            Text(pair!["key"]), Text(pair["value"]), (long?)pair["lease"] ?? 0, (long)pair["create_revision"]!,
            (long)pair["mod_revision"]!))];
    }

    /// <summary>Grants an etcd lease and returns its id.</summary>
    public async Task<long> GrantAsync(TimeSpan timeToLive, CancellationToken cancel)
    {
        // Output: lease 694d… granted with TTL(60s)
        var seconds = ((long)timeToLive.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        var output = await ControlAsync(cancel, "lease", "grant", seconds);
        return long.Parse(output.Split(' ')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    /// <summary>Saves a snapshot of the first member.</summary>
    /// <returns>The path of the file.</returns>
    public async Task<string> SaveSnapshotAsync(CancellationToken cancel)
    {
        var file = Path.Combine(folder, "snapshot.db");
        await ProcessCommand.RunAsync(Etcdctl(Members[0].Endpoint, ["snapshot", "save", file]), cancel);
        return file;
    }

    /// <summary>Stops every member and restarts it with the data of the snapshot.</summary>
    public async Task RestoreSnapshotAsync(string file, CancellationToken cancel)
    {
        restores++;
        foreach (var member in Members)
        {
            await member.StopAsync(cancel);
            member.Folder = string.Create(CultureInfo.InvariantCulture, $"{Path.Combine(folder, member.Name)}-restored-{restores}");
            string[] arguments =
            [
                "snapshot", "restore", file, $"--name={member.Name}", $"--data-dir={member.Folder}", $"--initial-cluster={InitialCluster}",
                $"--initial-advertise-peer-urls={member.PeerUrl}",
            ];
            await ProcessCommand.RunAsync(new ProgramStart(ControlProgram, arguments) { Environment = Version3 }, cancel);
        }
        await StartMembersAsync(cancel);
    }

    /// <summary>Runs etcdctl as root against all members that are not isolated.</summary>
    public Task<string> ControlAsync(CancellationToken cancel, params string[] arguments) =>
        ProcessCommand.RunAsync(Etcdctl(Endpoints, arguments), cancel);

    public Task<CommandResult> TryControlAsync(CancellationToken cancel, params string[] arguments) =>
        ProcessCommand.TryRunAsync(Etcdctl(Endpoints, arguments), cancel);

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

    private async Task<EtcdMember?> FindLeaderAsync(Func<EtcdMember, bool>? among, CancellationToken cancel)
    {
        foreach (var member in Members.Where(member => among?.Invoke(member) ?? true))
        {
            if (await member.IsLeaderAsync(cancel))
            {
                return member;
            }
        }
        return null;
    }

    private ProgramStart Etcdctl(string endpoints, IReadOnlyList<string> arguments) => new(ControlProgram,
    [
        $"--endpoints={endpoints}", $"--cacert={authority.CertificateFile}",
        $"--cert={operatorFiles.Certificate}", $"--key={operatorFiles.Key}",
        "--dial-timeout=2s", "--command-timeout=5s",
        .. authentication ? [$"--user=root:{RootPassword}"] : Array.Empty<string>(), .. arguments,
    ])
    { Namespace = network.Namespace, Environment = Version3 };

    private static string Text(JsonNode? value) => Encoding.UTF8.GetString(Convert.FromBase64String((string?)value ?? ""));
}
