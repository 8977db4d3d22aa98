using Flanneld.Commands;
using Flanneld.Commands.Check;

namespace Flanneld.Options;

/// <summary>What the program is to do.</summary>
internal enum Command
{
    /// <summary>No word: the daemon itself, as upstream starts it.</summary>
    Run,
    Release,
    Check,
    Routes,
    Healthcheck,
}

/// <summary>A command as it is written: the first argument.</summary>
internal sealed record CommandDescriptor(Command Command, string Name, string Help)
{
    public static IReadOnlyList<CommandDescriptor> All { get; } =
    [
        new(Command.Check, "check", "look at everything that this node needs, and say what is missing; changes nothing"),
        new(Command.Release, "release", "give this node's subnet and route back for good (stop the daemon first)"),
        new(Command.Routes, "routes", "list the route entries inside the network and their owners; deletes only what a flag names"),
        new(Command.Healthcheck, "healthcheck", "exit 0 when the daemon on --healthz-port is ready, else 1"),
    ];
}
