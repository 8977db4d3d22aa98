namespace Flanneld.Options;

/// <summary>What the program does.</summary>
internal enum Command
{
    /// <summary>Without a command: the daemon, as upstream starts it.</summary>
    Run,
    Release,
    Check,
    Routes,
    Healthcheck,
    Cleanup,
}

/// <summary>A command: the first argument.</summary>
internal sealed record CommandDescriptor(Command Command, string Name, string Help)
{
    public static IReadOnlyList<CommandDescriptor> All { get; } =
    [
        new(Command.Check, "check", "check everything that this node needs, and report what is missing; changes nothing"),
        new(Command.Release, "release", "release this node's subnet and route for good (stop the daemon first)"),
        new(Command.Routes, "routes", "list the route entries inside the network and their owners; deletes only what a flag names"),
        new(Command.Healthcheck, "healthcheck", "exit 0 when the daemon on --healthz-port is ready, else 1"),
        new(Command.Cleanup, "cleanup", "remove flanneld's firewall rules from this host (stop the daemon first)"),
    ];

    /// <summary>The name of a command other than <see cref="Command.Run"/>.</summary>
    public static string NameOf(Command command) => All.First(descriptor => descriptor.Command == command).Name;
}
