using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Flannel.Testbed;

/// <summary>A network namespace. It starts with only its loopback up; disposing deletes it with its interfaces.</summary>
public sealed class NetworkNamespace : IAsyncDisposable
{
    private const string Folder = "/run/netns";
    private const string IpProgram = "ip";

    private static readonly HashSet<string> active = [];
    private readonly NamespaceThread thread;

    static NetworkNamespace()
    {
        var names = Directory.Exists(Folder) ? Directory.GetFiles(Folder).Select(System.IO.Path.GetFileName) : [];
        foreach (var orphan in names.Where(name => ResourceName.IsOrphan(name!)))
        {
            DeleteNow(orphan!);
        }
        AppDomain.CurrentDomain.ProcessExit += (_, _) => DeleteAll();
    }

    private NetworkNamespace(string name)
    {
        Name = name;
        thread = new NamespaceThread(Path);
    }

    /// <summary>The name in <c>ip netns list</c>.</summary>
    public string Name { get; }

    public string Path => $"{Folder}/{Name}";

    /// <summary>Why network namespaces cannot be created on this host; null if they can.</summary>
    public static async Task<string?> UnavailableAsync(CancellationToken cancel)
    {
        if (!Posix.IsRoot)
        {
            return "network namespaces need root";
        }
        try
        {
            await using var probe = await CreateAsync("probe", cancel);
            await probe.IpAsync(cancel, "link add probe0 type veth peer name probe1");
            return null;
        }
        catch (Exception e) when (e is TestbedException or System.ComponentModel.Win32Exception or IOException)
        {
            return $"cannot create network namespaces: {e.Message.ReplaceLineEndings(" ").Trim()}";
        }
    }

    public static async Task<NetworkNamespace> CreateAsync(string what, CancellationToken cancel)
    {
        var name = ResourceName.Create(what);
        lock (active)
        {
            active.Add(name);
        }
        await ProcessCommand.RunAsync(new ProgramStart(IpProgram, ["netns", "add", name]), cancel);
        var created = new NetworkNamespace(name);
        await created.IpAsync(cancel, "link set lo up");
        return created;
    }

    /// <summary>Runs commands of <c>ip -batch</c> in the namespace.</summary>
    /// <exception cref="TestbedException">A command failed.</exception>
    public Task<string> IpAsync(CancellationToken cancel, params string[] lines) =>
        ProcessCommand.RunAsync(new ProgramStart(IpProgram, ["-n", Name, "-batch", "-"]), cancel, string.Join('\n', lines) + "\n");

    /// <summary>Runs a program in the namespace to its end.</summary>
    public Task<CommandResult> ExecAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancel) =>
        ProcessCommand.TryRunAsync(new ProgramStart(program, arguments) { Namespace = this }, cancel);

    /// <summary>Writes files below /proc/sys/net: <c>ipv4/ip_forward</c>.</summary>
    public Task SetAsync(params NamedValue[] settings) => thread.RunAsync(() =>
    {
        foreach (var (name, value) in settings)
        {
            File.WriteAllText($"/proc/sys/net/{name}", value);
        }
        return true;
    });

    /// <summary>A socket of this namespace, for use on any thread.</summary>
    public Task<Socket> CreateSocketAsync(AddressFamily family, SocketType type, ProtocolType protocol) =>
        thread.RunAsync(() => new Socket(family, type, protocol));

    /// <summary>A client that connects from this namespace to IP addresses, not to names.</summary>
    public HttpClient CreateHttpClient(Uri baseAddress) =>
        new(CreateHandler(this, null)) { BaseAddress = baseAddress, Timeout = TimeSpan.FromSeconds(60) };

    /// <param name="ns">The namespace to connect from; null for that of this process.</param>
    internal static SocketsHttpHandler CreateHandler(NetworkNamespace? ns, SslClientAuthenticationOptions? tls)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        if (tls is not null)
        {
            handler.SslOptions = tls;
        }
        if (ns is not null)
        {
            handler.ConnectCallback = ns.ConnectAsync;
        }
        return handler;
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var address = IPAddress.Parse(context.DnsEndPoint.Host);
        var socket = await CreateSocketAsync(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.NoDelay = true;
            await socket.ConnectAsync(new IPEndPoint(address, context.DnsEndPoint.Port), cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        thread.Dispose();
        await ProcessCommand.TryRunAsync(new ProgramStart(IpProgram, ["netns", "del", Name]), CancellationToken.None);
        lock (active)
        {
            active.Remove(Name);
        }
    }

    private static void DeleteAll()
    {
        lock (active)
        {
            foreach (var name in active)
            {
                DeleteNow(name);
            }
            active.Clear();
        }
    }

    /// <summary>Synchronous, for use while the process exits.</summary>
    private static void DeleteNow(string name)
    {
        using var ip = System.Diagnostics.Process.Start(IpProgram, ["netns", "del", name]);
        ip.WaitForExit();
    }
}
