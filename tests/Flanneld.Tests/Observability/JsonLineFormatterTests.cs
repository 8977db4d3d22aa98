using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Observability;

public sealed class JsonLineFormatterTests
{
    private readonly JsonLineFormatter formatter = new(new FakeTimeProvider(new DateTimeOffset(2026, 3, 4, 5, 6, 7, 89, TimeSpan.Zero)));

    [Fact]
    public void A_line_is_one_flat_object_with_the_values_of_the_message()
    {
        var line = Line(
            "lease 10.24.5.0/24 renewed", ("Key", Ipv4Network.Parse("10.24.5.0/24")), ("Hours", 24.0), ("VSwitch", "vsw-1"),
            ("Count", 3), ("Revision", 7L), ("IsNew", true), ("RequestId", null), ("{OriginalFormat}", "lease {Key} renewed"));
        Assert.Equal(
            """{"time":"2026-03-04T05:06:07.089Z","level":"warning","msg":"lease 10.24.5.0/24 renewed" """.TrimEnd()
            + ""","event":"etcd[2020]","category":"etcd","key":"10.24.5.0/24","hours":24,"vSwitch":"vsw-1","count":3,"revision":7"""
            + ""","isNew":true,"requestId":null}""" + "\n",
            formatter.Format(line));
    }

    [Fact]
    public void A_value_never_replaces_another_field()
    {
        var names = Parse(Line("m", ("Time", 1), ("Level", 2), ("Msg", 3), ("Error", 4), ("error", 5), ("ErrorField", 6)))
            .RootElement.EnumerateObject().Select(property => property.Name).ToList();
        Assert.Equal(names.Distinct(), names);
        Assert.Equal(
            ["timeField", "levelField", "msgField", "errorField", "errorFieldField", "errorFieldFieldField"], names.Skip(5));
    }

    [Theory]
    [InlineData("line\nbreak\r\n and tab\t")]
    [InlineData("\0\u0001\u001f\u007f\u0085\u2028\u2029")]
    [InlineData("\"quoted\" \\ back / <b> 'x' → é 中 🙂")]
    [InlineData("half \ud83d of a pair")]
    [InlineData("half \udc00")]
    [InlineData("\ud83d")]
    public void Every_text_gives_one_valid_line(string text)
    {
        var line = formatter.Format(Line(text, ("Reason", text)) with { Exception = new InvalidOperationException(text) });
        Assert.Equal(line.Length - 1, line.IndexOf('\n', StringComparison.Ordinal));
        using var json = JsonDocument.Parse(line);
        var expected = System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text));
        Assert.Equal(expected, json.RootElement.GetProperty("msg").GetString());
        Assert.Equal(expected, json.RootElement.GetProperty("reason").GetString());
        Assert.Contains(expected, json.RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_value_is_complete()
    {
        var text = new string('x', 1_000_000);
        Assert.Equal(text, Parse(Line(text)).RootElement.GetProperty("msg").GetString());
    }

    [Fact]
    public void A_secret_is_not_shown() =>
        Assert.DoesNotContain("s3cret", formatter.Format(Line("m", ("Password", new Secret("s3cret")))), StringComparison.Ordinal);

    [Fact]
    public void A_number_that_other_readers_round_is_text()
    {
        var json = Parse(Line("m", ("Id", long.MaxValue), ("Rate", double.NaN))).RootElement;
        Assert.Equal("9223372036854775807", json.GetProperty("id").GetString());
        Assert.Equal("NaN", json.GetProperty("rate").GetString());
    }

    [Fact]
    public void A_summary_has_the_number_of_repeats() =>
        Assert.Equal(4, Parse(Line("m") with { Repeats = 4 }).RootElement.GetProperty("repeated").GetInt32());

    [Theory]
    [InlineData(LogLevel.Trace, "trace")]
    [InlineData(LogLevel.Debug, "debug")]
    [InlineData(LogLevel.Information, "info")]
    [InlineData(LogLevel.Warning, "warning")]
    [InlineData(LogLevel.Error, "error")]
    [InlineData(LogLevel.Critical, "critical")]
    public void Levels_have_the_names_that_log_services_know(LogLevel level, string name) =>
        Assert.Equal(name, JsonLineFormatter.NameOf(level));

    private JsonDocument Parse(LogLine line) => JsonDocument.Parse(formatter.Format(line));

    private static LogLine Line(string text, params (string Name, object? Value)[] fields) => new(
        "etcd", LogLevel.Warning, new EventId(2020), text,
        [.. fields.Select(field => new KeyValuePair<string, object?>(field.Name, field.Value))], null);
}
