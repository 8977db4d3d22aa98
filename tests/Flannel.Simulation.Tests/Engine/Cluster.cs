using System.Text;
using Etcdserverpb;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Model;
using Flannel.Etcd.Registry;
using Google.Protobuf;
using Mvccpb;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One etcd with its nodes, and the actions of an operator.</summary>
internal sealed class Cluster : SimulatedCluster<Daemon>
{
    /// <summary>A lease or a reservation in etcd.</summary>
    public sealed record StoredLease(SubnetKey Key, KeyValue Pair);

    /// <summary>A name below <c>subnets/</c> that is not a subnet key of flannel.</summary>
    public const string KeyAmongSubnets = "10.24.0.96";

    private const int ClonedNumber = 2;

    private static readonly TimeSpan LeaseCheck = TimeSpan.FromMilliseconds(500);

    private int nextNumber;

    public Cluster(Scheduler scheduler, int machines, bool isDualStack = false) : base(scheduler)
    {
        IsDualStack = isDualStack;
        var keys = EtcdKeys.Parse("/coreos.com/network").Value;
        Keys = keys;
        HasClones = machines > ClonedNumber && scheduler.Chance(0.3);
        nextNumber = machines + 1;
        Store = new EtcdStore(new ProcessClock(scheduler, null, () => TimeSpan.Zero));
        foreach (var number in Enumerable.Range(1, machines)) Machines.Add(NewMachine(number, machines));
        Cloud = new SimulatedCloud(scheduler, Machines);
        Invariants = new Invariants(this);
        Store.Changed += NotifyProcesses;
        CheckLeases();
    }

    /// <summary>Every machine has an IPv6 address.</summary>
    public bool IsDualStack { get; }

    public EtcdKeys Keys { get; }

    public EtcdStore Store { get; }

    public override SimulatedCloud Cloud { get; }

    /// <summary>Whether two instances have the same public address.</summary>
    public bool HasClones { get; }

    public Invariants Invariants { get; }

    /// <summary>The network configuration in etcd; null without a valid one.</summary>
    public NetworkConfig? Config =>
        LeaseReader.ReadConfig(Store.Find(Keys.Config)) is ConfigState.Present { Config: var config } ? config : null;

    /// <summary>Whether <see cref="KeyAmongSubnets"/> exists. It sorts between subnet keys, so that etcd cannot prove that nothing
    /// overlaps an adjacent subnet, and that subnet cannot be leased.</summary>
    public bool HasKeyAmongSubnets => Store.Find(Text(Keys.Subnets + KeyAmongSubnets)) is not null;

    public Dictionary<long, Daemon> LeaseOwners { get; } = [];

    protected override ClusterInvariants<Daemon> Rules => Invariants;

    protected override double LongestRestart => 3;

    /// <summary>Gives the instance another address.</summary>
    public void ChangeAddress(Machine machine) => machine.PublicIp = AddressOf(nextNumber++);

    /// <summary>Releases an instance and creates one with its address.</summary>
    public Machine Replace(Machine machine)
    {
        var number = nextNumber++;
        var isLeased = Leases().Any(lease => lease.Key.Subnet == machine.ExpectedSubnet && OwnerOf(lease.Pair) == machine
            && LeaseHolder.Of(lease.Pair)?.PublicIp == machine.PublicIp);
        var kept = isLeased ? machine.ExpectedSubnet : null;
        var replacement = new Machine(number, machine.PublicIp, Folder) { Replaces = machine, ExpectedSubnet = kept };
        Cloud.Add(replacement);
        Machines[Machines.IndexOf(machine)] = replacement;
        return replacement;
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

    protected override Daemon NewProcess(Machine machine, int seed) => new(this, machine, seed);

    /// <summary>In a cluster with clones the last machine has the address of the second.</summary>
    private Machine NewMachine(int number, int count)
    {
        var isClone = HasClones && number == count;
        return new Machine(number, AddressOf(isClone ? ClonedNumber : number), Folder)
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
