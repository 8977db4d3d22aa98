using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Flannel.Testbed;

/// <summary>A network namespace of our own: made empty with its loopback up, removed at the end with all that is in it.</summary>
public sealed class NetworkNamespace : IAsyncDisposable
{
    private const string Folder = "/run/netns";
    private const string IpProgram = "ip";

    private static readonly HashSet<string> living = [];
    private readonly NamespaceThread thread;

    static NetworkNamespace()
    {
        foreach (var left in Directory.Exists(Folder) ? Directory.GetFiles(Folder).Select(System.IO.Path.GetFileName).Where(name => Owner.IsOrphan(name!)) : [])
        {
            DeleteNow(left!);
        }
        AppDomain.CurrentDomain.ProcessExit += (_, _) => DeleteAll();
    }

    private NetworkNamespace(string name)
    {
        Name = name;
        thread = new NamespaceThread(Path);
    }

    /// <summary>As <c>ip netns list</c> shows it.</summary>
    public string Name { get; }

    public string Path => $"{Folder}/{Name}";

    /// <summary>Null when namespaces can be made here, else why not.</summary>
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
            return $"network namespaces cannot be made here: {e.Message.ReplaceLineEndings(" ").Trim()}";
        }
    }

    public static async Task<NetworkNamespace> CreateAsync(string what, CancellationToken cancel)
    {
        var name = Owner.NewName(what);
        lock (living)
        {
            living.Add(name);
        }
        await ProcessCommand.RunAsync(new ProgramStart(IpProgram, ["netns", "add", name]), cancel);
        var made = new NetworkNamespace(name);
        await made.IpAsync(cancel, "link set lo up");
        return made;
    }

    /// <summary>Runs lines of <c>ip</c> in it, all or an exception.</summary>
    public Task<string> IpAsync(CancellationToken cancel, params string[] lines) =>
        ProcessCommand.RunAsync(new ProgramStart(IpProgram, ["-n", Name, "-batch", "-"]), cancel, string.Join('\n', lines) + "\n");

    /// <summary>Runs a program in it to its end.</summary>
    public Task<CommandResult> ExecAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancel) =>
        ProcessCommand.TryRunAsync(new ProgramStart(program, arguments) { Namespace = this }, cancel);

    /// <summary>Writes kernel settings, each below /proc/sys/net: <c>("ipv4/ip_forward", "1")</c>.</summary>
    public Task SetAsync(params (string Name, string Value)[] settings) => thread.RunAsync(() =>
    {
        foreach (var (name, value) in settings)
        {
            File.WriteAllText($"/proc/sys/net/{name}", value);
        }
        return true;
    });

    /// <summary>A socket that lives in this namespace, wherever it is used.</summary>
    public Task<Socket> CreateSocketAsync(AddressFamily family, SocketType type, ProtocolType protocol) => thread.RunAsync(() => new Socket(family, type, protocol));

    /// <summary>A client whose connections start in this namespace; addresses only, no names.</summary>
    public HttpClient CreateHttpClient(Uri baseAddress) => new(CreateHandler(this, null)) { BaseAddress = baseAddress, Timeout = TimeSpan.FromSeconds(60) };

    /// <param name="ns">Where connections start; null is our own namespace.</param>
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
        lock (living)
        {
            living.Remove(Name);
        }
    }

    private static void DeleteAll()
    {
        lock (living)
        {
            foreach (var name in living)
            {
                DeleteNow(name);
            }
            living.Clear();
        }
    }

    /// <summary>At the end of the process nothing asynchronous runs any more.</summary>
    private static void DeleteNow(string name)
    {
        using var ip = System.Diagnostics.Process.Start(IpProgram, ["netns", "del", name]);
        ip.WaitForExit();
    }
}
