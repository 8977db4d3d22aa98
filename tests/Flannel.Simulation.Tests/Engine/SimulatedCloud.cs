using Flannel.AliCloud;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Signing;
using Flannel.RouteController.Tests.Support;
using Flanneld.Clients;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>The VPC of all machines: one route table, one vSwitch. A call is executed even if the calling process ends.</summary>
internal sealed class SimulatedCloud
{
    public const string VpcId = "vpc-1";
    public const string VSwitchId = "vsw-1";
    public const string TableId = "vtb-1";

    public SimulatedCloud(Scheduler scheduler, IEnumerable<Machine> machines)
    {
        Context = new ProcessContext(scheduler);
        Api = new InMemoryCloudApi(new ProcessClock(scheduler, Context, () => TimeSpan.Zero));
        Api.AddTable(VpcId, TableId);
        Api.AddVSwitch(VSwitchId, VpcId, TableId, "192.168.0.0/24");
        foreach (var machine in machines) Add(machine);
    }

    public ProcessContext Context { get; }

    public InMemoryCloudApi Api { get; }

    /// <summary>Adds an instance whose interface has the source/destination check on.</summary>
    public void Add(Machine machine) => Api.SourceDestChecks[machine.NetworkInterface] = true;
}

/// <summary>The credentials and the API client of one process.</summary>
internal sealed class SimulatedCloudAccess(CredentialChain credentials, ICloudApi api) : ICloudAccess
{
    public CredentialChain Credentials => credentials;

    public ICloudApi Api => api;

    public void Dispose() => credentials.Dispose();
}

/// <summary>A permanent key, or none.</summary>
internal sealed class SimulatedKey(bool exists) : ICredentialProvider
{
    private static readonly AccessKey Key = AccessKey.Create("LTAIsimulation", "a-secret-of-the-simulation").Value;

    public string Name => "simulated key";

    public bool HasChanged() => false;

    public ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation) =>
        ValueTask.FromResult<ProviderResult>(exists
            ? new ProviderResult.Found(Key)
            : new ProviderResult.NotConfigured("no key in this simulation"));
}
