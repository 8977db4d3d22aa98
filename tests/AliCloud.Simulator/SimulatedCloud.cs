using System.Collections.Concurrent;
using System.Net;
using AliCloud.Simulator.Api;
using AliCloud.Simulator.Control;
using AliCloud.Simulator.Hosting;
using AliCloud.Simulator.Metadata;
using AliCloud.Simulator.Observing;
using AliCloud.Simulator.Setup;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator;

/// <summary>Addresses, time and randomness of the simulator. The defaults suit a test in the same process.</summary>
public sealed record SimulatedCloudOptions
{
    /// <summary>The shared metadata service, which identifies callers by their addresses. Null for none.</summary>
    public IPEndPoint? Metadata { get; init; }
    public IPEndPoint Api { get; init; } = new(IPAddress.Loopback, 0);
    public IPEndPoint Control { get; init; } = new(IPAddress.Loopback, 0);
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Source of credentials and of faults with a probability.</summary>
    public Random Random { get; init; } = new(1);
}

/// <summary>Alibaba Cloud in one process: metadata service, APIs and a control API. Dispose it to stop it.</summary>
public sealed class SimulatedCloud : IAsyncDisposable
{
    private readonly Listener? _metadata;
    private readonly Listener _api;
    private readonly Listener _control;
    private readonly ApiService _apiService;
    private readonly MetadataService _metadataService;
    private readonly ConcurrentDictionary<string, Listener> _metadataByInstance = new(StringComparer.Ordinal);
    private volatile bool _metadataIsStopped;

    private SimulatedCloud(CloudSetup setup, SimulatedCloudOptions options)
    {
        State = new CloudState(setup, options.Time);
        Faults = new FaultList(new Random(options.Random.Next()));
        Console = new OperatorConsole(State);
        var chance = new Random(options.Random.Next());
        var credentials = new Credentials(State, chance);
        _metadataService = new MetadataService(State, credentials, chance, Faults, Calls);
        _metadata = options.Metadata is { } endPoint ? new Listener(endPoint, _metadataService.HandlerFor(null)) : null;
        _apiService = new ApiService(State, credentials, Faults, Calls);
        _api = new Listener(options.Api, _apiService.HandleAsync);
        _control = new Listener(options.Control, new ControlApi(this).HandleAsync);
    }

    /// <summary>The metadata service that identifies callers by address; null if there is none.</summary>
    public Uri? Metadata => _metadata?.Url;

    /// <summary>The address of all APIs.</summary>
    public Uri Api => _api.Url;
    public Uri Control => _control.Url;

    /// <summary>The metadata services of single instances, on loopback addresses.</summary>
    public IReadOnlyDictionary<string, Uri> MetadataByInstance =>
        _metadataByInstance.ToDictionary(l => l.Key, l => l.Value.Url, StringComparer.Ordinal);

    public CloudState State { get; }
    public CallLog Calls { get; } = new();
    public FaultList Faults { get; }
    public OperatorConsole Console { get; }

    /// <summary>A cloud without listeners: only <see cref="InProcess"/> reaches it. For tests with virtual time.</summary>
    /// <exception cref="FormatException">The setup is inconsistent.</exception>
    public static SimulatedCloud Create(CloudSetup setup, SimulatedCloudOptions options)
    {
        ArgumentNullException.ThrowIfNull(setup);
        ArgumentNullException.ThrowIfNull(options);
        return new SimulatedCloud(setup, options);
    }

    /// <summary>The API without a socket: the sending thread handles the request, unless a latency or a fault delays it.</summary>
    public HttpMessageHandler InProcess() => new InProcessHandler(_apiService.HandleAsync);

    /// <summary>Returns when all listeners are started.</summary>
    /// <exception cref="FormatException">The setup is inconsistent.</exception>
    public static async Task<SimulatedCloud> StartAsync(
        CloudSetup setup, SimulatedCloudOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(setup);
        var cloud = new SimulatedCloud(setup, options ?? new SimulatedCloudOptions());
        try
        {
            await cloud.StartAllAsync(setup, cancellationToken);
            return cloud;
        }
        catch
        {
            await cloud.DisposeAsync();
            throw;
        }
    }

    /// <summary>Refuses connections to the API until <see cref="StartApiAsync"/>.</summary>
    public Task StopApiAsync() => _api.StopAsync();

    public Task StartApiAsync(CancellationToken cancellationToken) => _api.StartAsync(cancellationToken);

    /// <summary>Refuses connections to all metadata services until <see cref="StartMetadataAsync"/>.</summary>
    public Task StopMetadataAsync()
    {
        _metadataIsStopped = true;
        return Task.WhenAll(AllMetadata().Select(l => l.StopAsync()));
    }

    public Task StartMetadataAsync(CancellationToken cancellationToken)
    {
        _metadataIsStopped = false;
        return Task.WhenAll(AllMetadata().Select(l => l.StartAsync(cancellationToken)));
    }

    /// <returns>The metadata service of the instance; null if its description requests none.</returns>
    public async Task<Uri?> AddInstanceAsync(InstanceSetup instance, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(instance);
        Console.AddInstance(instance);
        return await ListenForAsync(instance, cancellationToken);
    }

    /// <param name="instanceId">The instance to release.</param>
    /// <param name="force">False: the release fails while a route entry names the instance.</param>
    /// <exception cref="ConsoleException">DependencyViolation.RouteEntry.</exception>
    public async Task DeleteInstanceAsync(string instanceId, bool force)
    {
        Console.DeleteInstance(instanceId, force);
        if (_metadataByInstance.TryRemove(instanceId, out var listener)) await listener.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var listener in AllMetadata().Append(_api).Append(_control)) await listener.DisposeAsync();
        State.Dispose();
    }

    private async Task StartAllAsync(CloudSetup setup, CancellationToken cancellationToken)
    {
        if (_metadata is not null) await _metadata.StartAsync(cancellationToken);
        foreach (var instance in setup.Instances) await ListenForAsync(instance, cancellationToken);
        await _api.StartAsync(cancellationToken);
        await _control.StartAsync(cancellationToken);
    }

    private IEnumerable<Listener> AllMetadata() =>
        _metadata is null ? _metadataByInstance.Values : _metadataByInstance.Values.Append(_metadata);

    private async Task<Uri?> ListenForAsync(InstanceSetup instance, CancellationToken cancellationToken)
    {
        if (instance.MetadataPort is not { } port) return null;
        var listener = new Listener(new IPEndPoint(IPAddress.Loopback, port), _metadataService.HandlerFor(instance.InstanceId));
        _metadataByInstance[instance.InstanceId] = listener;
        if (!_metadataIsStopped) await listener.StartAsync(cancellationToken);
        return listener.Url;
    }
}
