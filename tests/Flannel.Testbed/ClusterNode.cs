using System.Net;

namespace Flannel.Testbed;

/// <summary>An instance of a <see cref="ClusterVpc"/>, with what its daemon tells of itself.</summary>
public sealed class ClusterNode : IAsyncDisposable
{
    private readonly HttpClient http;

    internal ClusterNode(EcsInstance instance)
    {
        Instance = instance;
        http = instance.CreateHttpClient(ClusterVpc.HealthPort);
    }

    public EcsInstance Instance { get; }

    public DaemonProcess Daemon => Instance.Daemon ?? throw new InvalidOperationException($"no flanneld was started on {Instance.InstanceId}");

    /// <summary>The switch's end of its cable.</summary>
    public string Port => $"node{Instance.Facts.Number}";

    public string Name => Instance.InstanceId;

    /// <summary>Starts flanneld and waits until it is ready.</summary>
    public async Task<TimeSpan> StartReadyAsync(CancellationToken cancel, params string[] arguments)
    {
        var daemon = await Instance.StartDaemonAsync(arguments);
        return await daemon.WaitForReadyAsync(cancel, TimeSpan.FromSeconds(60));
    }

    /// <summary>Whether /readyz says so.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancel)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri("/readyz", UriKind.Relative), cancel);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>A metric's value, or null where there is no such line.</summary>
    /// <param name="name">With its labels.</param>
    public async Task<string?> MetricAsync(string name, CancellationToken cancel)
    {
        var text = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), cancel);
        return text.Split('\n').FirstOrDefault(line => line.StartsWith(name + " ", StringComparison.Ordinal))?[(name.Length + 1)..];
    }

    /// <summary>Whether it writes the routes of all nodes, as far as it knows.</summary>
    public async Task<bool> IsControllerAsync(CancellationToken cancel) => await MetricAsync("flannel_route_controller", cancel) == "1";

    /// <summary>How often its log holds the text.</summary>
    public int Said(string text) => Daemon.StandardError.Split(text).Length - 1;

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await Instance.DisposeAsync();
    }
}
