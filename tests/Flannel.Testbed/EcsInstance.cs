using System.Text.Json.Nodes;

namespace Flannel.Testbed;

/// <summary>An ECS instance of the test bed, on which daemons run, with their files.</summary>
public sealed class EcsInstance : IAsyncDisposable
{
    /// <summary>The health port of a daemon in a network namespace, at 127.0.0.1.</summary>
    public const int HealthPort = 8471;

    private readonly List<DaemonProcess> daemons = [];
    private readonly string program;
    private int starts;

    internal EcsInstance(InstanceSetup facts, RunFolder folder, string publicIp, IReadOnlyList<string> arguments, NetworkNamespace? ns)
    {
        (Facts, PublicIp, Namespace) = (facts, publicIp, ns);
        Folder = folder.CreateWritableSubfolder(facts.InstanceId);
        SubnetFile = Path.Combine(Folder, "subnet.env");
        program = folder.CopyProgram(Locations.Flanneld);
        Arguments = [.. arguments, $"--subnet-file={SubnetFile}"];
    }

    public InstanceSetup Facts { get; }

    public string InstanceId => Facts.InstanceId;

    /// <summary>What flanneld writes as the <c>BackendData</c> of backend ali-vpc.</summary>
    public JsonObject AliVpcBackendData => new()
    {
        ["RegionId"] = CloudSetup.RegionId,
        ["VpcId"] = CloudSetup.VpcId,
        ["VSwitchId"] = Facts.VSwitchId,
        [nameof(InstanceId)] = Facts.InstanceId,
        ["NetworkInterfaceId"] = Facts.NetworkInterfaceId,
        ["PrimaryInterface"] = true,
    };

    /// <summary>The PublicIP of its lease.</summary>
    public string PublicIp { get; }

    /// <summary>Null in loopback mode.</summary>
    public NetworkNamespace? Namespace { get; }

    /// <summary>A folder that the daemon's user may write to.</summary>
    public string Folder { get; }

    public string SubnetFile { get; }

    /// <summary>Whether its daemons and commands have CAP_NET_ADMIN.</summary>
    public bool HasNetAdmin { get; set; }

    /// <summary>The <see cref="ProgramStart.Wrapper"/> of its daemons.</summary>
    public IReadOnlyList<string> Wrapper { get; set; } = [];

    /// <summary>The output of its daemons, written while they run.</summary>
    public string LogFile => Path.Combine(Folder, "flanneld.log");

    /// <summary>The daemon that was started last, or null.</summary>
    public DaemonProcess? Daemon => daemons.LastOrDefault();

    /// <summary>The arguments of every flanneld on this instance; those of a test follow.</summary>
    public IReadOnlyList<string> Arguments { get; set; }

    /// <summary>The whole environment of its daemons and commands, unless a test gives another one.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; set; } = new Dictionary<string, string>();

    /// <summary>Starts flanneld as an ordinary user, without capabilities unless <see cref="HasNetAdmin"/>. A flag in
    /// <paramref name="more"/> overrides the same flag of <see cref="Arguments"/>.</summary>
    public async Task<DaemonProcess> StartDaemonAsync(
        IReadOnlyList<string>? more = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProgramStart(program, [.. Arguments, .. more ?? []])
        {
            Namespace = Namespace,
            Unprivileged = true,
            HasNetAdmin = HasNetAdmin,
            Wrapper = Wrapper,
            LogFile = LogFile,
            Environment = environment ?? Environment,
        };
        var daemon = await DaemonProcess.StartAsync(start, Path.Combine(Folder, $"notify-{++starts}"));
        daemons.Add(daemon);
        return daemon;
    }

    /// <summary>Runs a command of flanneld to its end, with the arguments and privileges of the daemon.</summary>
    public Task<CommandResult> RunCommandAsync(string command, CancellationToken cancel, params string[] more) =>
        ProcessCommand.TryRunAsync(CommandStart(command, more), cancel);

    /// <summary>Runs a command of flanneld to its end.</summary>
    /// <param name="input">Its standard input.</param>
    /// <param name="environment">Its whole environment; null for <see cref="Environment"/>.</param>
    public Task<CommandResult> RunCommandAsync(
        string command, string input, IReadOnlyDictionary<string, string>? environment, CancellationToken cancel, params string[] more) =>
        ProcessCommand.TryRunAsync(
            CommandStart(command, more) with { Environment = environment ?? Environment }, cancel, input);

    /// <summary>Starts a command of flanneld, for a test that ends it with a signal; the caller disposes it.</summary>
    public Task<ChildProcess> StartCommandAsync(string command, params string[] more) =>
        ChildProcess.StartAsync(CommandStart(command, more));

    /// <summary>Runs a command of flanneld whose output another command reads.</summary>
    /// <returns>The exit code of flanneld, and the output of the other command.</returns>
    public Task<CommandResult> RunIntoPipeAsync(string command, string reader, CancellationToken cancel, params string[] more)
    {
        var start = CommandStart(command, more);
        var line = string.Join(' ', start.Arguments.Prepend(program).Select(word => $"'{word}'"));
        return ProcessCommand.TryRunAsync(
            start with { Program = "/bin/bash", Arguments = ["-c", $"{line} | {reader}; exit ${{PIPESTATUS[0]}}"] }, cancel);
    }

    /// <summary>Starts a command of flanneld in a pseudo-terminal; the caller disposes it. Its output and errors arrive together, and its
    /// input is that of a keyboard.</summary>
    public Task<ChildProcess> StartInTerminalAsync(
        string command, IReadOnlyDictionary<string, string> environment, params string[] more)
    {
        var start = CommandStart(command, more);
        var line = string.Join(' ', start.Arguments.Prepend(program).Select(word => $"'{word}'"));
        return ChildProcess.StartAsync(start with
        {
            // Of util-linux. It returns the exit code of the command.
            Program = "/usr/bin/script",
            Arguments = ["--quiet", "--return", "--command", line, "/dev/null"],
            Environment = new Dictionary<string, string>(environment) { ["SHELL"] = "/bin/sh" },
        });
    }

    private ProgramStart CommandStart(string command, string[] more) => new(program, [.. command.Split(' '), .. Arguments, .. more])
    {
        Namespace = Namespace,
        Unprivileged = true,
        HasNetAdmin = HasNetAdmin,
        Environment = Environment,
    };

    /// <summary>The variables of subnet.env, or null without the file.</summary>
    public async Task<IReadOnlyDictionary<string, string>?> ReadSubnetFileAsync(CancellationToken cancel)
    {
        try
        {
            var lines = await File.ReadAllLinesAsync(SubnetFile, cancel);
            return lines.Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>A client for a port at 127.0.0.1 of this instance.</summary>
    public HttpClient CreateHttpClient(int port)
    {
        var address = new Uri($"http://127.0.0.1:{port}");
        return Namespace?.CreateHttpClient(address) ?? new HttpClient { BaseAddress = address };
    }

    /// <summary>A free port at 127.0.0.1 of this instance.</summary>
    public int FreePort() => Namespace is null ? Ports.Free() : HealthPort;

    /// <summary>Simulates a power failure: kills all daemons and takes the network interface down (with network namespaces only).</summary>
    public async Task PowerOffAsync(CancellationToken cancel)
    {
        foreach (var daemon in daemons.Where(daemon => !daemon.HasExited))
        {
            await daemon.KillAsync(cancel);
        }
        if (Namespace is not null)
        {
            await Namespace.IpAsync(cancel, "link set eth0 down");
        }
    }

    /// <summary>Ends a power failure; starts no daemon.</summary>
    public async Task PowerOnAsync(CancellationToken cancel)
    {
        if (Namespace is not null)
        {
            await Namespace.IpAsync(cancel, "link set eth0 up", $"route replace default via {Gateway}");
        }
    }

    /// <summary>The address of the VPC's router in its vSwitch.</summary>
    internal string Gateway => $"{Facts.PrivateIp[..Facts.PrivateIp.LastIndexOf('.')]}.{CloudSetup.GatewayHost}";

    public async ValueTask DisposeAsync()
    {
        foreach (var daemon in daemons)
        {
            await daemon.DisposeAsync();
        }
        if (Namespace is not null)
        {
            await Namespace.DisposeAsync();
        }
    }
}
