using AliCloud.Simulator.Setup;

namespace AliCloud.Simulator.State;

/// <summary>The state of the account. One lock protects all of it: correctness matters more than speed.</summary>
public sealed class CloudState : IDisposable
{
    private readonly ITimer _settleTimer;
    private readonly List<RouteEntry> _inTransition = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _ordinal;

    internal CloudState(CloudSetup setup, TimeProvider time)
    {
        Time = time;
        RegionId = setup.RegionId;
        AccountId = setup.AccountId;
        Settings = setup.Settings;
        _settleTimer = time.CreateTimer(_ => OnSettleTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        CloudSetupLoader.Build(this, setup);
    }

    internal Lock Gate { get; } = new();
    internal TimeProvider Time { get; }
    internal string RegionId { get; }
    internal string AccountId { get; }
    internal CloudSettings Settings { get; set; }
    internal List<Vpc> Vpcs { get; } = [];
    internal List<Instance> Instances { get; } = [];
    internal List<AccessKeySetup> AccessKeys { get; } = [];
    internal List<Role> Roles { get; } = [];

    /// <summary>The issued temporary keys.</summary>
    internal List<IssuedCredentials> Issued { get; } = [];
    internal List<OidcProvider> OidcProviders { get; } = [];

    /// <summary>The cloud's clock, for responses, credentials and the check of signatures.</summary>
    internal DateTimeOffset Now => Time.GetUtcNow().AddSeconds(Settings.ClockSkewSeconds);

    /// <summary>Increases with every change of a route or an interface. Read it under the gate.</summary>
    internal long Version { get; private set; } = 1;

    internal IEnumerable<RouteTable> Tables => Vpcs.SelectMany(v => v.Tables);
    internal IEnumerable<VSwitch> VSwitches => Vpcs.SelectMany(v => v.VSwitches);
    internal IEnumerable<NetworkInterface> Interfaces => Instances.SelectMany(i => i.Interfaces);

    internal RouteTable? FindTable(string? id) => Tables.FirstOrDefault(t => t.Id == id);

    internal Vpc? FindVpc(string? id) => Vpcs.FirstOrDefault(v => v.Id == id);

    internal Instance? FindInstance(string? id) => Instances.FirstOrDefault(i => i.Id == id);

    internal NetworkInterface? FindInterface(string? id) => Interfaces.FirstOrDefault(i => i.Id == id);

    internal RouteEntry? FindEntry(string? id) => Tables.SelectMany(t => t.Entries).FirstOrDefault(e => e.Id == id);

    internal long NextOrdinal() => ++_ordinal;

    /// <summary>True while a write has not settled: it blocks all other writes in the VPC.</summary>
    internal bool IsBusy(Vpc vpc) => _inTransition.Exists(e => e.Table.Vpc == vpc);

    internal void Changed()
    {
        Version++;
        var done = _changed;
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        done.SetResult();
    }

    /// <summary>Completes with the next change. Read it under the gate, await it outside.</summary>
    internal Task NextChange() => _changed.Task;

    /// <summary>Sets a status that becomes final after the duration of a route write.</summary>
    internal void BeginTransition(RouteEntry entry, EntryState status)
    {
        entry.Status = status;
        entry.Modified = Time.GetUtcNow();
        entry.SettlesAt = entry.Modified + TimeSpan.FromMilliseconds(Settings.RouteWriteMilliseconds);
        _inTransition.Add(entry);
        Changed();
        Settle();
    }

    /// <summary>Makes final what has settled by now. Called before every access to the state.</summary>
    internal void Settle()
    {
        var now = Time.GetUtcNow();
        var due = _inTransition.FindAll(e => e.SettlesAt <= now);
        foreach (var entry in due) Finish(entry);
        if (due.Count > 0) Changed();
        if (_inTransition.Count == 0) return;
        var wait = _inTransition.Min(e => e.SettlesAt!.Value) - now;
        _settleTimer.Change(wait < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : wait, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Removes the entry at once, in any status.</summary>
    internal void Remove(RouteEntry entry)
    {
        _inTransition.Remove(entry);
        entry.Table.Entries.Remove(entry);
        Changed();
    }

    /// <summary>A change by an operator: sets another next hop at once.</summary>
    internal void UpdateNow(RouteEntry entry, NextHop nextHop)
    {
        _inTransition.Remove(entry);
        entry.NextHop = nextHop;
        entry.NextHopAfter = null;
        entry.SettlesAt = null;
        entry.Status = EntryState.Available;
        entry.Modified = Time.GetUtcNow();
        Changed();
    }

    public void Dispose() => _settleTimer.Dispose();

    private void OnSettleTimer()
    {
        lock (Gate) Settle();
    }

    private void Finish(RouteEntry entry)
    {
        _inTransition.Remove(entry);
        if (entry.Status == EntryState.Deleting)
        {
            entry.Table.Entries.Remove(entry);
            return;
        }

        if (entry.NextHopAfter is { } nextHop) entry.NextHop = nextHop;
        entry.NextHopAfter = null;
        entry.SettlesAt = null;
        entry.Status = EntryState.Available;
    }
}
