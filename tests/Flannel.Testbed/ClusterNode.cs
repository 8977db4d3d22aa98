using System.Net;

namespace Flannel.Testbed;

/// <summary>An instance of a <see cref="ClusterVpc"/>, with the health, metrics and log of its daemon.</summary>
public sealed class ClusterNode : IAsyncDisposable
{
    private readonly HttpClient http;

    internal ClusterNode(EcsInstance instance)
    {
        Instance = instance;
        http = instance.CreateHttpClient(EcsInstance.HealthPort);
    }

    public EcsInstance Instance { get; }

    public DaemonProcess Daemon =>
        Instance.Daemon ?? throw new InvalidOperationException($"no flanneld was started on {Instance.InstanceId}");

    /// <summary>The switch's end of its veth pair.</summary>
    public string Port => $"node{Instance.Facts.Number}";

    public string Name => Instance.InstanceId;

    /// <summary>Starts flanneld and waits until it is ready.</summary>
    public async Task<TimeSpan> StartReadyAsync(CancellationToken cancel, params string[] arguments)
    {
        var daemon = await Instance.StartDaemonAsync(arguments);
        return await daemon.WaitForReadyAsync(cancel, TimeSpan.FromSeconds(60));
    }

    /// <summary>Whether <c>/readyz</c> returns 200.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancel)
    {
        try
        {
            using var response = await http.GetAsync(new Uri("/readyz", UriKind.Relative), cancel);
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>The value of a metric, or null without such a line.</summary>
    /// <param name="name">The name with its labels.</param>
    public async Task<string?> MetricAsync(string name, CancellationToken cancel)
    {
        var text = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), cancel);
        return text.Split('\n').FirstOrDefault(line => line.StartsWith(name + " ", StringComparison.Ordinal))?[(name.Length + 1)..];
    }

    /// <summary>Whether the metrics of the node say that it is the route controller.</summary>
    public async Task<bool> IsControllerAsync(CancellationToken cancel) =>
        await MetricAsync("flannel_route_controller", cancel) == "1";

    /// <summary>How often the log contains the text.</summary>
    public int CountInLog(string text) => Daemon.StandardError.Split(text).Length - 1;

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await Instance.DisposeAsync();
    }
}
