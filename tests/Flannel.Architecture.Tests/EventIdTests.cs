using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Flannel.Testbed;
using Microsoft.Extensions.Logging;

namespace Flannel.Architecture.Tests;

/// <summary>Alerts and scripts of operators use the event ids.</summary>
public partial class EventIdTests
{
    private static readonly IReadOnlyList<LoggerMessageAttribute> s_events =
    [
        .. ProductAssemblies.TopDown.Select(project => Assembly.Load(project == "Flanneld" ? "flanneld" : project))
            .SelectMany(assembly => assembly.GetTypes())
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public
                | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>())
            .OfType<LoggerMessageAttribute>(),
    ];

    [Fact]
    public void An_event_id_belongs_to_one_event()
    {
        Assert.NotEmpty(s_events);
        Assert.Empty(s_events.GroupBy(e => e.EventId).Where(group => group.Count() > 1).Select(group => group.Key));
    }

    [Fact]
    public void The_reference_lists_every_event_with_its_level()
    {
        var listed = ReferenceRow().Matches(File.ReadAllText(Path.Combine(Locations.Repository(), "docs", "reference", "events.md")))
            .ToDictionary(match => int.Parse(match.Groups["id"].Value, CultureInfo.InvariantCulture), match => match.Groups["level"].Value);
        Assert.Equal(s_events.Select(e => e.EventId).Order(), listed.Keys.Order());
        // The level of some events depends on the case: the method takes it as an argument.
        Assert.All(s_events.Where(e => e.Level != LogLevel.None),
            e => Assert.Equal((e.EventId, NameOf(e.Level)), (e.EventId, listed[e.EventId])));
    }

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "information",
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        _ => "critical",
    };

    [GeneratedRegex(@"^\| `\w+\[(?<id>\d+)\]` \| (?<level>\w+) \|", RegexOptions.Multiline)]
    private static partial Regex ReferenceRow();
}
