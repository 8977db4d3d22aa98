using System.Text;
using Etcdserverpb;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Model;
using Flannel.Etcd.Registry;
using Flanneld.Host;
using Google.Protobuf;
using Mvccpb;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One etcd with its nodes, and the actions of an operator.</summary>
internal sealed class Cluster : ISimulatedCluster, IDisposable
{
    /// <summary>A lease or a reservation in etcd.</summary>
    public sealed record StoredLease(SubnetKey Key, KeyValue Pair);

    /// <summary>A name below <c>subnets/</c> that is not a subnet key of flannel.</summary>
    public const string KeyAmongSubnets = "10.24.0.96";

    private const string SharedMemory = "/dev/shm";
    private const int ClonedNumber = 2;

    private static readonly TimeSpan LeaseCheck = TimeSpan.FromMilliseconds(500);

    private readonly DirectoryInfo folder = Directory.CreateDirectory(Path.Combine(Root, $"flannel-simulation-{Guid.NewGuid():N}"));
    private string? failure;
    private int nextNumber;

    public Cluster(Scheduler scheduler, int machines, bool isDualStack = false)
    {
        Scheduler = scheduler;
        IsDualStack = isDualStack;
        var keys = EtcdKeys.Parse("/coreos.com/network").Value;
        Keys = keys;
        HasClones = machines > ClonedNumber && scheduler.Chance(0.3);
        nextNumber = machines + 1;
        Store = new EtcdStore(new ProcessClock(scheduler, null, () => TimeSpan.Zero));
        foreach (var number in Enumerable.Range(1, machines)) Machines.Add(NewMachine(number, machines));
        Cloud = new SimulatedCloud(scheduler, Machines);
        Invariants = new Invariants(this);
        Store.Changed += () =>
        {
            Invariants.StoreChanged();
            if (Conditions.ClusterDown) return;
            foreach (var daemon in Daemons.ToList()) daemon.Etcd.StoreChanged();
        };
        CheckLeases();
    }

    public Scheduler Scheduler { get; }

    /// <summary>Every machine has an IPv6 address.</summary>
    public bool IsDualStack { get; }

    public EtcdKeys Keys { get; }

    public EtcdStore Store { get; }

    public SimulatedCloud Cloud { get; }

    public NetworkConditions Conditions { get; } = new();

    public List<Machine> Machines { get; } = [];

    /// <summary>Whether two instances have the same public address.</summary>
    public bool HasClones { get; }

    public List<Daemon> Daemons { get; } = [];

    public Invariants Invariants { get; }

    /// <summary>The network configuration in etcd; null without a valid one.</summary>
    public NetworkConfig? Config =>
        LeaseReader.ReadConfig(Store.Find(Keys.Config)) is ConfigState.Present { Config: var config } ? config : null;

    /// <summary>Whether <see cref="KeyAmongSubnets"/> exists. It sorts between subnet keys, so that etcd cannot prove that nothing
    /// overlaps an adjacent subnet, and that subnet cannot be leased.</summary>
    public bool HasKeyAmongSubnets => Store.Find(Text(Keys.Subnets + KeyAmongSubnets)) is not null;

    public Dictionary<long, Daemon> LeaseOwners { get; } = [];

    public void Fail(string what) => failure ??= what;

    public void Trace(Machine machine, string what, long detail = 0) => Scheduler.Trace(machine.Name, what, detail);

    public void Run(TimeSpan until)
    {
        while (Scheduler.Now < until) Step();
    }

    public void Step()
    {
        Scheduler.Step();
        Invariants.Check();
        if (failure is not null) throw new SimulationFailure(failure);
    }

    public void Start(Machine machine, bool withSubnetFile)
    {
        machine.RestartPlanned = false;
        if (machine.Daemon is not null) return;
        Trace(machine, withSubnetFile ? "starts" : "starts without subnet.env");
        if (!withSubnetFile) machine.SubnetFile.Remove();
        machine.ReadFile();
        machine.StaleFileSince = null;
        var daemon = new Daemon(this, machine, Scheduler.Random.Next());
        machine.Daemon = daemon;
        Daemons.Add(daemon);
        Invariants.StoreChanged();
        daemon.Start();
        Scheduler.Settle();
    }

    public void StartLater(Machine machine, TimeSpan delay, bool withSubnetFile = true)
    {
        if (machine.RestartPlanned) return;
        machine.RestartPlanned = true;
        Scheduler.After(delay, () => Start(machine, withSubnetFile));
    }

    /// <summary>The process ended; systemd restarts it.</summary>
    /// <param name="reason">Null if it was stopped.</param>
    public void Ended(SimulatedProcess process, string? reason)
    {
        if (process.Machine.Daemon != process) return;
        var daemon = (Daemon)process;
        Trace(daemon.Machine, $"ended: {reason ?? "stopped"}");
        if (reason is not null) Invariants.Ended(daemon, reason);
        Kill(daemon);
        StartLater(daemon.Machine, Scheduler.Between(0.1, 3));
    }

    public void CloudWrite(SimulatedProcess process, string action) => Invariants.CloudWrite((Daemon)process, action);

    public void FileWritten(SimulatedProcess process, SubnetFileState before, SubnetEnv subnetEnv) =>
        Invariants.FileWritten((Daemon)process, before, subnetEnv);

    public void FileRemoved(SimulatedProcess process) => Invariants.FileRemoved((Daemon)process);

    /// <summary>Gives the instance another address.</summary>
    public void ChangeAddress(Machine machine) => machine.PublicIp = AddressOf(nextNumber++);

    /// <summary>Releases an instance and creates one with its address.</summary>
    public Machine Replace(Machine machine)
    {
        var number = nextNumber++;
        var isLeased = Leases().Any(lease => lease.Key.Subnet == machine.ExpectedSubnet && OwnerOf(lease.Pair) == machine
            && LeaseHolder.Of(lease.Pair)?.PublicIp == machine.PublicIp);
        var kept = isLeased ? machine.ExpectedSubnet : null;
        var replacement = new Machine(number, machine.PublicIp, folder.FullName) { Replaces = machine, ExpectedSubnet = kept };
        Cloud.Add(replacement);
        Machines[Machines.IndexOf(machine)] = replacement;
        return replacement;
    }

    /// <summary>Kills the process; nothing restarts it.</summary>
    public void Kill(Daemon daemon)
    {
        daemon.Kill();
        daemon.Machine.Daemon = null;
        Daemons.Remove(daemon);
        Invariants.StoreChanged();
    }

    /// <summary>Whether another machine has the same address.</summary>
    public bool SharesAddress(Machine machine) => Machines.Exists(other => other != machine && other.PublicIp == machine.PublicIp);

    /// <summary>A write of an operator or another program.</summary>
    public void Put(string key, string value, long lease = 0)
    {
        Scheduler.Trace("operator", $"puts {key} {value}");
        Store.Txn(new TxnRequest
        {
            Success = { new RequestOp { RequestPut = new PutRequest { Key = Text(key), Value = Text(value), Lease = lease } } },
        });
    }

    public void Delete(ByteString key)
    {
        Scheduler.Trace("operator", $"deletes {key.ToStringUtf8()}");
        Store.Txn(new TxnRequest { Success = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = key } } } });
    }

    /// <summary>The machine that the value of a lease key names.</summary>
    public Machine? OwnerOf(KeyValue pair)
    {
        if (!pair.Key.ToStringUtf8().StartsWith(Keys.Subnets, StringComparison.Ordinal)) return null;
        return LeaseHolder.Of(pair) is { } holder ? Machines.FirstOrDefault(holder.MayBeTakenOverBy) : null;
    }

    /// <summary>All leases and reservations that etcd has now.</summary>
    public IEnumerable<StoredLease> Leases()
    {
        foreach (var pair in Store.Pairs)
        {
            var key = pair.Key.ToStringUtf8();
            if (key.StartsWith(Keys.Subnets, StringComparison.Ordinal)
                && SubnetKey.TryParse(key.AsSpan(Keys.Subnets.Length), out var subnet))
                yield return new StoredLease(subnet, pair);
        }
    }

    public void Dispose() => folder.Delete(recursive: true);

    /// <summary>In memory if possible: each write of a subnet file is flushed to the disk.</summary>
    private static string Root => Directory.Exists(SharedMemory) ? SharedMemory : Path.GetTempPath();

    /// <summary>In a cluster with clones the last machine has the address of the second.</summary>
    private Machine NewMachine(int number, int count)
    {
        var isClone = HasClones && number == count;
        return new Machine(number, AddressOf(isClone ? ClonedNumber : number), folder.FullName)
        {
            MayControl = number % 6 != 3 || count < 3,
            HasCredentials = number % 6 != 0,
            IsAddressByHand = isClone || (HasClones && number == ClonedNumber),
        };
    }

    private static Ipv4Address AddressOf(int number) => Ipv4Address.Parse($"192.168.0.{number}");

    private static ByteString Text(string text) => ByteString.CopyFrom(Encoding.UTF8.GetBytes(text));

    /// <summary>Expires leases, as the leader of etcd does. Without a leader no lease expires.</summary>
    private void CheckLeases()
    {
        Scheduler.After(LeaseCheck, CheckLeases);
        if (Conditions.ClusterDown) return;
        foreach (var (id, pair) in Store.Leases.Keys.Order()
            .SelectMany(id => Store.Pairs.Where(pair => pair.Lease == id).Select(pair => (id, pair))).ToList())
        {
            if (Store.IsDue(id) && OwnerOf(pair) is { } owner) Invariants.MarkDisturbed(owner, "its lease expired");
        }

        foreach (var id in Store.Tick()) Scheduler.Trace("etcd", "lease ends", id);
    }
}
