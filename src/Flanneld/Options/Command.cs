namespace Flanneld.Options;

/// <summary>What the program does.</summary>
internal enum Command
{
    /// <summary>Without a command: the daemon, as upstream starts it.</summary>
    Run,
    Status,
    Leases,
    Routes,
    RoutesClean,
    Check,
    Config,
    ConfigGet,
    ConfigValidate,
    ConfigSet,
    Release,
    Cleanup,
    Healthcheck,
    BugReport,
    Completion,
    Version,
    Help,
}

/// <summary>A command: the first argument, or the first two.</summary>
/// <param name="Name">One word, or two words with a blank for a sub-command.</param>
/// <param name="Help">Its line in <c>flanneld help</c>.</param>
internal sealed record CommandDescriptor(Command Command, string Name, string Help)
{
    public static IReadOnlyList<CommandDescriptor> All { get; } =
    [
        new(Command.Status, "status", "show this node: lease, route, route controller, subnet file, daemon")
        {
            ExitCodes = "0 if the subnet may be used; 1 if not, or if that cannot be read; 2 wrong usage",
            Examples = ["flanneld status", "flanneld status --output json"],
        },
        new(Command.Leases, "leases", "list the leases of the cluster with their routes and expiry")
        {
            Examples = ["flanneld leases", "flanneld leases --output wide"],
        },
        new(Command.Routes, "routes", "list the route entries inside the network; exit 0 if each lease has its route")
        {
            ExitCodes = "0 if each lease that needs a route has one that is available, or with --watch at its end;"
                + " 1 if not, or if that cannot be read; 2 wrong usage",
            Examples = ["flanneld routes", "flanneld routes --output wide", "flanneld routes --watch", "flanneld routes --output json"],
        },
        new(Command.RoutesClean, "routes clean", "delete the routes that --stale, --unmanaged or --of selects, after a confirmation")
        {
            ExitCodes = "0 deleted, or nothing to delete; 1 not confirmed or failed; 2 wrong usage",
            Examples = ["flanneld routes clean", "flanneld routes clean --stale", "flanneld routes clean --unmanaged --yes"],
        },
        new(Command.Check, "check", "check everything that this node needs, and report what is missing; changes nothing")
        {
            ExitCodes = "0 no problem; 1 a problem, with --strict also a warning or an unknown result; 2 wrong usage",
            Examples =
            [
                "flanneld check", "flanneld check --etcd-endpoints=http://192.168.1.11:2379",
                "flanneld check --strict --output json",
            ],
        },
        new(Command.Config, "config", "read, check and write the network configuration: get, validate, set")
        {
            Argument = "get|validate|set",
            NeedsNoSettings = true,
            Examples = ["flanneld config get", "flanneld help config set"],
        },
        new(Command.ConfigGet, "config get", "print the network configuration with the values that follow from it, without secrets")
        {
            ExitCodes = "0 printed; 1 there is none, it is invalid, or etcd is unavailable; 2 wrong usage",
            Examples = ["flanneld config get", "flanneld config get --output yaml"],
        },
        new(Command.ConfigValidate, "config validate", "check the stored network configuration, or that of a file, as the daemon does")
        {
            Argument = "[FILE|-]",
            ExitCodes = "0 valid; 1 invalid, or it cannot be read; 2 wrong usage",
            Examples = ["flanneld config validate", "flanneld config validate network.json"],
        },
        new(Command.ConfigSet, "config set", "write the network configuration, after it is checked and the difference is shown")
        {
            Argument = "FILE|-|JSON",
            ExitCodes = "0 written, or there is no difference; 1 not written; 2 wrong usage",
            Examples =
            [
                "flanneld config set network.json", "flanneld config set --dry-run network.json",
                "flanneld config set --yes '{\"Network\":\"10.24.0.0/16\",\"Backend\":{\"Type\":\"ali-vpc\"}}'",
            ],
        },
        new(Command.Release, "release", "release this node's subnet and route for good (stop the daemon first)")
        {
            Examples = ["systemctl stop flanneld && flanneld release"],
        },
        new(Command.Cleanup, "cleanup", "remove flanneld's firewall rules from this host (stop the daemon first)")
        {
            Examples = ["systemctl stop flanneld && flanneld cleanup"],
        },
        new(Command.Healthcheck, "healthcheck", "exit 0 when the daemon on --healthz-port is ready, else 1")
        {
            ExitCodes = "0 the daemon is ready; 1 it is not, or does not respond; 2 wrong usage",
            Examples = ["flanneld healthcheck --healthz-port=8471"],
        },
        new(Command.BugReport, "bugreport", "write one file for a bug report: versions, settings, status, check, logs; without secrets")
        {
            ExitCodes = "0 written, even if a part of it could not be read; 1 not written; 2 wrong usage",
            Examples = ["flanneld bugreport", "flanneld bugreport --file=/tmp/report.txt"],
        },
        new(Command.Completion, "completion", "print the completion script of a shell: bash, zsh or fish")
        {
            Argument = "SHELL",
            NeedsNoSettings = true,
            Examples = ["source <(flanneld completion bash)"],
        },
        new(Command.Version, "version", "print the version") { NeedsNoSettings = true, Examples = ["flanneld version"] },
        new(Command.Help, "help", "explain a command")
        {
            Argument = "[COMMAND]",
            NeedsNoSettings = true,
            Examples = ["flanneld help check", "flanneld help config set"],
        },
    ];

    /// <summary>The placeholder of its argument, in brackets if it may be omitted; empty for a command that takes flags only.</summary>
    public string Argument { get; init; } = "";

    /// <summary>It prints a text, and reads no settings.</summary>
    public bool NeedsNoSettings { get; init; }

    /// <summary>One line.</summary>
    public string ExitCodes { get; init; } = "0 done; 1 failed; 2 wrong usage";

    public IReadOnlyList<string> Examples { get; init; } = [];

    /// <summary>How many words of <see cref="Argument"/> are taken.</summary>
    public int MaxArguments => (Command, Argument) switch
    {
        (Command.Help, _) => 2,
        (_, "") => 0,
        _ => 1,
    };

    /// <summary>The number of its words.</summary>
    public int Words => Name.Split(' ').Length;

    public static CommandDescriptor? Find(string name) => All.FirstOrDefault(descriptor => descriptor.Name == name);

    /// <summary>The command that a command line begins with, by as many words as possible; null if it begins with none.</summary>
    public static CommandDescriptor? Find(IReadOnlyList<string> arguments) =>
        (arguments.Count > 1 ? Find($"{arguments[0]} {arguments[1]}") : null) ?? (arguments.Count > 0 ? Find(arguments[0]) : null);

    /// <summary>The sub-commands of a command, such as <c>config get</c> of <c>config</c>.</summary>
    public IReadOnlyList<CommandDescriptor> FindSubCommands() =>
        [.. All.Where(other => other.Name.StartsWith(Name + " ", StringComparison.Ordinal))];

    /// <summary>The name of a command other than <see cref="Command.Run"/>.</summary>
    public static string NameOf(Command command) => Of(command).Name;

    /// <summary>A command other than <see cref="Command.Run"/>.</summary>
    public static CommandDescriptor Of(Command command) => All.First(descriptor => descriptor.Command == command);
}
