using System.Globalization;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flannel.Testbed;
using Microsoft.Extensions.Logging;

namespace Flannel.Benchmarks;

/// <summary>The etcd client of one node with the daemon's code: waits for the configuration, leases a subnet and keeps it.</summary>
internal sealed class EtcdLoadNode(int number, EtcdOptions options, Flannel.Etcd.Registry.EtcdKeys keys,
    EtcdLoadNode.ConflictCounter conflicts) : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private EtcdConnection? connection;
    private Task? keeping;

    /// <summary>The leased subnet.</summary>
    public Ipv4Network? Subnet { get; private set; }

    public bool WasFound { get; private set; }

    private Ipv4Address PublicIp => new(0xAC100000 + (uint)number);

    /// <summary>Completes when the node holds a lease and watches it.</summary>
    public async Task StartAsync(CancellationToken cancel)
    {
        // The seeds must differ: the values are used as ids of etcd leases.
        var random = new Random();
        connection = new EtcdConnection(options, TimeProvider.System, random, conflicts);
        var subnets = new EtcdSubnetManager(new EtcdContext(connection, keys, TimeProvider.System, random, conflicts));
        var owner = new LeaseOwner(PublicIp, Subnet);
        var state = await subnets.WaitForConfigAsync(new ConfigRequest(_ => { }) { Owner = owner }, null, cancel);
        var result = await subnets.AcquireAsync(new AcquireRequest(owner, _ => Attributes(number, PublicIp)), state, cancel);
        if (result is not AcquireResult.Held { Lease: var held }) throw new TestbedException($"node {number}: {result}");
        (Subnet, WasFound) = (held.Lease.Subnet, held.WasFound);
        var confirmed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        keeping = KeepAsync(subnets.HoldAsync(held, stop.Token), confirmed);
        await confirmed.Task.WaitAsync(cancel);
    }

    /// <summary>Stops the node; its lease stays.</summary>
    public async Task StopAsync()
    {
        await stop.CancelAsync();
        if (keeping is not null) await keeping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        connection?.Dispose();
    }

    /// <summary>A new process of the same node.</summary>
    /// <param name="withFile">Whether its <c>subnet.env</c> still exists: a reboot empties <c>/run</c>.</param>
    public EtcdLoadNode Restarted(bool withFile) => new(number, options, keys, conflicts) { Subnet = withFile ? Subnet : null };

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        stop.Dispose();
    }

    /// <summary>A value of the size of a real node's.</summary>
    public static LeaseAttributes Attributes(int number, Ipv4Address publicIp) => new(
        publicIp, null, "ali-vpc",
        string.Create(CultureInfo.InvariantCulture,
            $$"""{"InstanceId":"i-bp{{number:D18}}","RegionId":"cn-hangzhou","ZoneId":"cn-hangzhou-h","VpcId":"vpc-bp1aevy8sofi8mh1q5000","VSwitchId":"vsw-bp1s5fnvk4gn2tws03000","NetworkInterfaceId":"eni-bp{{number:D18}}"}"""),
        null);

    private async Task KeepAsync(IAsyncEnumerable<LeaseEvent> events, TaskCompletionSource confirmed)
    {
        await foreach (var leaseEvent in events)
        {
            if (leaseEvent is LeaseEvent.Confirmed) confirmed.TrySetResult();
            if (leaseEvent is LeaseEvent.Lost lost) throw new TestbedException($"node {number} lost {Subnet}: {lost.Reason}");
        }
    }

    /// <summary>Counts conflicts between nodes by their log event, and prints warnings.</summary>
    internal sealed class ConflictCounter : ILogger
    {
        private const int LostRace = 2012;
        private int lost;

        public int Lost => Volatile.Read(ref lost);

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id == LostRace) Interlocked.Increment(ref lost);
            if (logLevel >= LogLevel.Warning) Console.Error.WriteLine(formatter(state, exception));
        }
    }
}
