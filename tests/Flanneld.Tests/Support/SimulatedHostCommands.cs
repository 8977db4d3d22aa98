using Flannel.Core;
using Flannel.HostNetwork.Vxlan;

namespace Flanneld.Tests.Support;

/// <summary>A host with VXLAN devices, or none: it answers as <c>ip</c> and <c>bridge</c> do, and keeps the lines of all batches. It
/// does not keep entries.</summary>
internal sealed class SimulatedHostCommands : IHostCommands
{
    private readonly Lock gate = new();
    private readonly List<string> lines = [];
    private readonly Dictionary<string, string> devices = [];

    /// <summary>The error of every command; null while they succeed.</summary>
    public string? Error { get; set; }

    /// <summary>The error of a command, by its arguments and its input; null while it succeeds.</summary>
    public Func<IReadOnlyList<string>, string, string?> FindError { get; set; } = (_, _) => null;

    /// <summary>Called before each command.</summary>
    public Action? OnCommand { get; set; }

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (gate) return [.. lines];
        }
    }

    /// <summary>Creates the device with a MAC address, as an earlier run did.</summary>
    public void CreateDevice(string mac) => devices["flannel.1"] = Describe("flannel.1", mac, "192.168.1.11", 1450);

    public Task<Result<string>> RunAsync(
        string program, IReadOnlyList<string> arguments, string input, CancellationToken cancellation)
    {
        OnCommand?.Invoke();
        lock (gate)
            return Task.FromResult((Error ?? FindError(arguments, input)) is { } error ? Result.Failure(error) : Run(arguments, input));
    }

    private Result<string> Run(IReadOnlyList<string> arguments, string input)
    {
        if (arguments.Contains("address"))
        {
            var device = arguments[^1];
            return devices.GetValueOrDefault(device) ?? (Result<string>)Result.Failure($"Device \"{device}\" does not exist.");
        }

        if (!arguments.Contains("-batch")) return "[]";
        foreach (var line in input.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            lines.Add(line);
            var words = line.Split(' ');
            if (line.StartsWith("link add ", StringComparison.Ordinal))
                devices[words[2]] = Describe(words[2], words[4], words[14], int.Parse(words[6], null));
        }

        return "";
    }

    private static string Describe(string name, string mac, string local, int mtu)
    {
        var property = local.Contains(':', StringComparison.Ordinal) ? "local6" : "local";
        return $$$"""
        [{"ifname":"{{{name}}}","flags":[],"mtu":{{{mtu}}},"address":"{{{mac}}}","linkinfo":{"info_kind":"vxlan","info_data":
        {"id":1,"{{{property}}}":"{{{local}}}","link":"eth0","port":8472,"learning":false}},"addr_info":[]}]
        """;
    }
}
