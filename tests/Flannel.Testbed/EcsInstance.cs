namespace Flannel.Testbed;

/// <summary>An ECS instance of the test bed: where a daemon runs, with its files.</summary>
public sealed class EcsInstance : IAsyncDisposable
{
    private readonly List<DaemonProcess> daemons = [];
    private readonly string program;
    private readonly IReadOnlyList<string> arguments;
    private int starts;

    internal EcsInstance(WorldInstance facts, RunFolder folder, string publicIp, IReadOnlyList<string> arguments, NetworkNamespace? ns)
    {
        (Facts, PublicIp, Namespace) = (facts, publicIp, ns);
        Folder = folder.WritableByAll(facts.InstanceId);
        SubnetFile = Path.Combine(Folder, "subnet.env");
        program = folder.CopyOfProgram(Locations.Flanneld);
        this.arguments = [.. arguments, $"--subnet-file={SubnetFile}"];
    }

    public WorldInstance Facts { get; }

    public string InstanceId => Facts.InstanceId;

    /// <summary>The address that its lease will carry.</summary>
    public string PublicIp { get; }

    /// <summary>Null in the loopback mode.</summary>
    public NetworkNamespace? Namespace { get; }

    /// <summary>A folder that the daemon's user may write to.</summary>
    public string Folder { get; }

    public string SubnetFile { get; }

    /// <summary>What its daemons print, while they run.</summary>
    public string LogFile => Path.Combine(Folder, "flanneld.log");

    /// <summary>The newest daemon that was started here, or null.</summary>
    public DaemonProcess? Daemon => daemons.LastOrDefault();

    /// <summary>What flanneld is told on this instance, before the arguments of a single test.</summary>
    public IReadOnlyList<string> Arguments => arguments;

    /// <summary>Starts flanneld as an ordinary user with no capability; later flags win over the usual ones.</summary>
    public async Task<DaemonProcess> StartDaemonAsync(IReadOnlyList<string>? more = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProgramStart(program, [.. arguments, .. more ?? []]) { Namespace = Namespace, Unprivileged = true, LogFile = LogFile, Environment = environment ?? new Dictionary<string, string>() };
        var daemon = await DaemonProcess.StartAsync(start, Path.Combine(Folder, $"notify-{++starts}"));
        daemons.Add(daemon);
        return daemon;
    }

    /// <summary>Runs one of flanneld's commands to its end, with what the daemon is told here and the same rights.</summary>
    public Task<CommandResult> RunCommandAsync(string command, CancellationToken cancel, params string[] more) =>
        ProcessCommand.TryRunAsync(CommandStart(command, more), cancel);

    /// <summary>Starts one of flanneld's commands, for a test that ends it with a signal; the caller disposes of it.</summary>
    public Task<ChildProcess> StartCommandAsync(string command, params string[] more) =>
        ChildProcess.StartAsync(CommandStart(command, more));

    private ProgramStart CommandStart(string command, string[] more) => new(program, [command, .. arguments, .. more])
    {
        Namespace = Namespace,
        Unprivileged = true,
        Environment = new Dictionary<string, string>(),
    };

    /// <summary>The contents of subnet.env as pairs, or null while there is none.</summary>
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

    /// <summary>A client for a port that a daemon listens on at 127.0.0.1 of this instance.</summary>
    public HttpClient CreateHttpClient(int port)
    {
        var address = new Uri($"http://127.0.0.1:{port}");
        return Namespace?.CreateHttpClient(address) ?? new HttpClient { BaseAddress = address };
    }

    /// <summary>A port of 127.0.0.1 that is free on this instance.</summary>
    public int FreePort() => Namespace is null ? Ports.Free() : 8471;

    /// <summary>Power off: all of it dies at once and its cable is dead. Namespaces only.</summary>
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

    /// <summary>Power on again, without a daemon yet.</summary>
    public async Task PowerOnAsync(CancellationToken cancel)
    {
        if (Namespace is not null)
        {
            await Namespace.IpAsync(cancel, "link set eth0 up", $"route replace default via {Gateway}");
        }
    }

    /// <summary>Where the router of the VPC answers in its vSwitch.</summary>
    internal string Gateway => $"{Facts.PrivateIp[..Facts.PrivateIp.LastIndexOf('.')]}.{World.GatewayHost}";

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
