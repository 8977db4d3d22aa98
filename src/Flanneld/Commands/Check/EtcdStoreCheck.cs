using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flanneld.Clients;
using Flanneld.Host;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary>Checks the members of etcd.</summary>
internal sealed class EtcdStoreCheck(DaemonOptions options, EtcdClusterStore store) : IStoreCheck
{
    public CheckKind Kind => CheckKind.Etcd;

    public TimeSpan Limit => CheckLimits.Etcd;

    public async Task<bool> CheckServersAsync(CheckSection results, CancellationToken cancellation)
    {
        var members = await store.Connection.VersionsAsync(cancellation);
        var unavailable = members.Count(member => !member.Version.Ok);
        List<string> lines = [];
        foreach (var (endpoint, version) in members) lines.Add(version.Ok ? $"{endpoint}: etcd {version.Value}" : version.Error);
        // The default contains etcd's former and its current port; a member listens on one of them.
        var isEnough = options.EtcdEndpoints == OptionDefaults.EtcdEndpoints ? unavailable < members.Length : unavailable == 0;
        var state = isEnough ? CheckState.Ok : CheckState.Warning;
        if (unavailable == members.Length) state = CheckState.Problem;
        results.Add(new CheckResult(CheckKind.Etcd, state, $"{members.Length - unavailable} of {members.Length} endpoints answer")
        {
            Lines = lines,
            Advice = isEnough
                ? ""
                : EndpointAdvice.Find(options, HostFiles.OfThisHost) ?? "start etcd there, or correct --etcd-endpoints",
        });
        return unavailable < members.Length;
    }

    public Task CheckNodeAsync(CheckSection results, NetworkConfig? config, CancellationToken cancellation) => Task.CompletedTask;

    public string AdviceFor(SubnetManagerException error) => (error as EtcdException)?.Kind switch
    {
        EtcdErrorKind.Tls => "see --etcd-cafile, --etcd-certfile and --etcd-keyfile",
        EtcdErrorKind.PermissionDenied => "grant the user read and write on the prefix",
        EtcdErrorKind.Unavailable or EtcdErrorKind.TimedOut => "start etcd, or correct --etcd-endpoints",
        _ => "see --etcd-username and --etcd-password-file",
    };
}
