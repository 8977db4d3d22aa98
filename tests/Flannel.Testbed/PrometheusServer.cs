using System.Globalization;
using System.Text.Json.Nodes;

namespace Flannel.Testbed;

/// <summary>One series of a response of Prometheus.</summary>
/// <param name="Labels">Without the name of the metric.</param>
/// <param name="Values">By Unix time in seconds; one value for an instant query.</param>
public sealed record PrometheusSeries(IReadOnlyDictionary<string, string> Labels, IReadOnlyList<PrometheusSample> Values);

/// <param name="Time">Unix time in seconds.</param>
public sealed record PrometheusSample(double Time, double Value);

/// <summary>A real Prometheus on the loopback that scrapes health ports on the loopback every second.</summary>
public sealed class PrometheusServer : IAsyncDisposable
{
    /// <summary>The path of Prometheus on this machine.</summary>
    public const string Program = "/usr/bin/prometheus";

    /// <summary>The path of its tool, which checks metrics and rules.</summary>
    public const string Tool = "/usr/bin/promtool";

    private readonly RunFolder folder = new("prometheus");
    private readonly HttpClient http;
    private readonly int port = Ports.Free();
    private ChildProcess? process;

    private PrometheusServer() => http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };

    /// <summary>The alert rules of the packages.</summary>
    public static string Rules { get; } = Path.Combine(Locations.Repository(), "packaging", "prometheus", "alerts.yaml");

    /// <summary>Starts Prometheus with the alert rules of the packages, and waits until it has scraped every target twice.</summary>
    /// <param name="targets">The health port of each instance, by its name.</param>
    public static async Task<PrometheusServer> StartAsync(IReadOnlyDictionary<string, int> targets, CancellationToken cancel)
    {
        var server = new PrometheusServer();
        try
        {
            await server.StartProcessAsync(targets);
            await Eventually.IsAsync("Prometheus has scraped every target twice", async () =>
            {
                var counts = await server.TryQueryAsync("count_over_time(flannel_ready[1m])", cancel);
                return counts.Count == targets.Count && counts.All(series => series.Values[0].Value >= 2);
            }, cancel);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs <c>promtool</c> to its end.</summary>
    public static Task<CommandResult> RunToolAsync(IReadOnlyList<string> arguments, string? input, CancellationToken cancel) =>
        ProcessCommand.TryRunAsync(new ProgramStart(Tool, arguments), cancel, input);

    /// <summary>The result now.</summary>
    /// <exception cref="TestbedException">Prometheus rejects the expression.</exception>
    public Task<IReadOnlyList<PrometheusSeries>> QueryAsync(string expression, CancellationToken cancel) =>
        GetSeriesAsync($"/api/v1/query?query={Uri.EscapeDataString(expression)}", cancel);

    /// <exception cref="TestbedException">Prometheus rejects the expression.</exception>
    public Task<IReadOnlyList<PrometheusSeries>> QueryRangeAsync(
        string expression, DateTimeOffset start, DateTimeOffset end, TimeSpan step, CancellationToken cancel) => GetSeriesAsync(
        $"/api/v1/query_range?query={Uri.EscapeDataString(expression)}&start={start.ToUnixTimeSeconds()}&end={end.ToUnixTimeSeconds()}"
            + $"&step={(long)step.TotalSeconds}", cancel);

    /// <summary>The alert rules, each with <c>name</c>, <c>health</c> and <c>state</c>.</summary>
    public async Task<IReadOnlyList<JsonNode>> RulesAsync(CancellationToken cancel) =>
    [
        .. (await GetAsync("/api/v1/rules", cancel))["groups"]!.AsArray()
            .SelectMany(group => group!["rules"]!.AsArray()).Select(rule => rule!),
    ];

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        if (process is not null)
        {
            await process.DisposeAsync();
        }
        folder.Dispose();
    }

    private async Task StartProcessAsync(IReadOnlyDictionary<string, int> targets)
    {
        var config = Path.Combine(folder.Path, "prometheus.yml");
        var scrapes = targets.Select(target => $$"""
                  - targets: ["127.0.0.1:{{target.Value}}"]
                    labels: {instance: "{{target.Key}}"}
            """);
        await File.WriteAllTextAsync(config, $$"""
            global: {scrape_interval: 1s, evaluation_interval: 1s}
            rule_files: ["{{Rules}}"]
            scrape_configs:
              - job_name: flanneld
                static_configs:
            {{string.Join('\n', scrapes)}}
            """);
        process = await ChildProcess.StartAsync(new ProgramStart(Program,
        [
            $"--config.file={config}", $"--storage.tsdb.path={Path.Combine(folder.Path, "data")}",
            string.Create(CultureInfo.InvariantCulture, $"--web.listen-address=127.0.0.1:{port}"), "--log.level=warn",
        ]));
    }

    private async Task<IReadOnlyList<PrometheusSeries>> TryQueryAsync(string expression, CancellationToken cancel)
    {
        if (process is { HasExited: true })
        {
            throw new TestbedException($"Prometheus ended\n{process.StandardError}");
        }
        try
        {
            return await QueryAsync(expression, cancel);
        }
        catch (Exception e) when (e is HttpRequestException or TestbedException)
        {
            return [];
        }
    }

    private async Task<IReadOnlyList<PrometheusSeries>> GetSeriesAsync(string path, CancellationToken cancel)
    {
        var data = await GetAsync(path, cancel);
        return data["resultType"]!.GetValue<string>() == "scalar"
            ? [new PrometheusSeries(new Dictionary<string, string>(), [ToSample(data["result"]!)])]
            : [.. data["result"]!.AsArray().Select(series => ToSeries(series!))];
    }

    private async Task<JsonNode> GetAsync(string path, CancellationToken cancel)
    {
        using var response = await http.GetAsync(new Uri(path, UriKind.Relative), cancel);
        var text = await response.Content.ReadAsStringAsync(cancel);
        return response.IsSuccessStatusCode
            ? JsonNode.Parse(text)!["data"]!
            : throw new TestbedException($"Prometheus: {Uri.UnescapeDataString(path)}: {text}");
    }

    private static PrometheusSeries ToSeries(JsonNode series) => new(
        series["metric"]!.AsObject().Where(label => label.Key != "__name__")
            .ToDictionary(label => label.Key, label => label.Value!.GetValue<string>()),
        series["value"] is { } value ? [ToSample(value)] : [.. series["values"]!.AsArray().Select(sample => ToSample(sample!))]);

    private static PrometheusSample ToSample(JsonNode sample) => new(sample[0]!.GetValue<double>(), sample[1]!.GetValue<string>() switch
    {
        "NaN" => double.NaN,
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        var number => double.Parse(number, CultureInfo.InvariantCulture),
    });
}
