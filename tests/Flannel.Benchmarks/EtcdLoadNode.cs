using System.Globalization;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flannel.Testbed;
using Microsoft.Extensions.Logging;

namespace Flannel.Benchmarks;

/// <summary>The etcd side of one node, as the daemon runs it, over a connection of its own: waits for the configuration, takes its subnet,
/// and keeps it.</summary>
internal sealed class EtcdLoadNode(int number, EtcdOptions options, Flannel.Etcd.Registry.EtcdKeys keys, EtcdLoadNode.ConflictCounter conflicts) : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private EtcdConnection? connection;
    private Task? keeping;

    /// <summary>What it holds, as its <c>subnet.env</c> would say.</summary>
    public Ipv4Network? Subnet { get; private set; }

    public bool WasFound { get; private set; }

    private Ipv4Address PublicIp => new(0xAC100000 + (uint)number);

    /// <summary>Completes when the lease is held and watched.</summary>
    public async Task StartAsync(CancellationToken cancel)
    {
        // The values of two nodes must not be alike: they are the ids of etcd leases.
        var random = new Random();
        connection = new EtcdConnection(options, TimeProvider.System, random, conflicts);
        var subnets = new EtcdSubnetManager(new EtcdContext(connection, keys, TimeProvider.System, random, conflicts));
        var owner = new LeaseOwner(PublicIp, Subnet);
        var state = await subnets.WaitForConfigAsync(new ConfigRequest(_ => { }) { Owner = owner }, null, cancel);
        var result = await subnets.AcquireAsync(new AcquireRequest(owner, _ => Attributes(number, PublicIp)), state, cancel);
        if (result is not AcquireResult.Held { Lease: var held }) throw new TestbedException($"node {number}: {result}");
        (Subnet, WasFound) = (held.Lease.Subnet, held.WasFound);
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        keeping = KeepAsync(subnets.HoldAsync(held, stop.Token), told);
        await told.Task.WaitAsync(cancel);
    }

    /// <summary>As SIGTERM does: the lease stays.</summary>
    public async Task StopAsync()
    {
        await stop.CancelAsync();
        if (keeping is not null) await keeping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        connection?.Dispose();
    }

    /// <summary>The same node, started again.</summary>
    /// <param name="withFile">Whether its <c>subnet.env</c> is still there: a reboot empties <c>/run</c>.</param>
    public EtcdLoadNode Again(bool withFile) => new(number, options, keys, conflicts) { Subnet = withFile ? Subnet : null };

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        stop.Dispose();
    }

    /// <summary>A value as long as those of real nodes.</summary>
    public static LeaseAttributes Attributes(int number, Ipv4Address publicIp) => new(
        publicIp, null, "ali-vpc",
        string.Create(CultureInfo.InvariantCulture, $$"""{"InstanceId":"i-bp{{number:D18}}","RegionId":"cn-hangzhou","ZoneId":"cn-hangzhou-h","VpcId":"vpc-bp1aevy8sofi8mh1q5000","VSwitchId":"vsw-bp1s5fnvk4gn2tws03000","NetworkInterfaceId":"eni-bp{{number:D18}}"}"""),
        null);

    private async Task KeepAsync(IAsyncEnumerable<LeaseEvent> events, TaskCompletionSource told)
    {
        await foreach (var news in events)
        {
            if (news is LeaseEvent.Confirmed) told.TrySetResult();
            if (news is LeaseEvent.Lost lost) throw new TestbedException($"node {number} lost {Subnet}: {lost.Reason}");
        }
    }

    /// <summary>Counts the conflicts that were lost, by the line that tells of each, and keeps the first few warnings.</summary>
    internal sealed class ConflictCounter : ILogger
    {
        private const int LostRace = 2012;
        private int lost;

        public int Lost => Volatile.Read(ref lost);

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id == LostRace) Interlocked.Increment(ref lost);
            if (logLevel >= LogLevel.Warning) Console.Error.WriteLine(formatter(state, exception));
        }
    }
}
