using Flanneld.Host;
using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>What the parts of the daemon do now, for an operator: SIGUSR1 logs it. The parts describe themselves from immutable snapshots,
/// without waiting for anything. Thread-safe.</summary>
internal sealed class StateDump
{
    private readonly Lock gate = new();
    private readonly List<StateSection> sections = [];

    /// <summary>Adds a part. Its lines follow those of the parts before it.</summary>
    /// <param name="name">The first word of each of its lines.</param>
    /// <param name="describe">One line each, without secrets. Called on any thread.</param>
    public void Add(string name, Func<IEnumerable<string>> describe)
    {
        lock (gate) sections.Add(new StateSection(name, describe));
    }

    public IReadOnlyList<string> Compose()
    {
        List<StateSection> all;
        lock (gate) all = [.. sections];
        return [.. all.SelectMany(section => section.Describe().Select(line => $"{section.Name}: {line}"))];
    }

    public void Log(ILogger logger)
    {
        foreach (var line in Compose()) HostLog.State(logger, line);
    }

    private sealed record StateSection(string Name, Func<IEnumerable<string>> Describe);
}
