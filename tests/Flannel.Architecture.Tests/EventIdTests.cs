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
        var listed = ReferenceRows().ToDictionary(
            match => int.Parse(match.Groups["id"].Value, CultureInfo.InvariantCulture), match => match.Groups["level"].Value);
        Assert.Equal(s_events.Select(e => e.EventId).Order(), listed.Keys.Order());
        // The level of some events depends on the case: the method takes it as an argument.
        Assert.All(s_events.Where(e => e.Level != LogLevel.None),
            e => Assert.Equal((e.EventId, NameOf(e.Level)), (e.EventId, listed[e.EventId])));
    }

    [Fact]
    public void The_reference_says_what_to_do_about_each_warning_and_error()
    {
        var withoutAction = ReferenceRows().Where(match => match.Groups["level"].Value is "warning" or "error" or "critical")
            .Where(match => match.Groups["action"].Value.Trim() is "" or "–" or "-").Select(match => match.Groups["id"].Value);
        Assert.Empty(withoutAction);
        Assert.All(ReferenceRows(), match => Assert.NotEqual("", match.Groups["action"].Value.Trim()));
    }

    [Fact]
    public void No_value_of_a_message_has_the_name_of_a_fixed_field_of_a_json_line()
    {
        string[] fixedNames = ["time", "level", "msg", "event", "category", "repeated", "error"];
        Assert.DoesNotContain(
            s_events.SelectMany(e => Placeholder().Matches(e.Message).Select(match => match.Groups["name"].Value)),
            name => fixedNames.Contains(name, StringComparer.OrdinalIgnoreCase));
    }

    [Fact]
    public void Messages_are_lower_case_and_end_without_a_full_stop()
    {
        Assert.DoesNotContain(s_events.Select(e => e.Message), message => message.EndsWith('.')
            || (char.IsUpper(message[0]) && !s_names.Any(name => message.StartsWith(name, StringComparison.Ordinal))));
    }

    private static readonly string[] s_names = ["IPv6", "RouteTableID"];

    private static MatchCollection ReferenceRows() =>
        ReferenceRow().Matches(File.ReadAllText(Path.Combine(Locations.Repository(), "docs", "reference", "events.md")));

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        _ => "critical",
    };

    [GeneratedRegex(@"^\| `\w+\[(?<id>\d+)\]` \| (?<level>\w+) \| [^|]+ \|(?<action>[^|]*)\|\r?$", RegexOptions.Multiline)]
    private static partial Regex ReferenceRow();

    [GeneratedRegex(@"(?<!\{)\{(?<name>\w+)(:[^}]*)?\}")]
    private static partial Regex Placeholder();
}
