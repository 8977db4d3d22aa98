using Flannel.Testbed;

namespace Flannel.Demo;

/// <summary>Where the nodes of the demo have their leases, read independently of flanneld.</summary>
internal interface IDemoStore : IAsyncDisposable
{
    TestVpc Vpc { get; }

    /// <summary>The title of the step in which <see cref="ConfigureAsync"/> runs.</summary>
    string ConfigureTitle { get; }

    /// <summary>What a node that stops leaves: "Their leases stay in etcd".</summary>
    string AfterStop { get; }

    /// <summary>Commands to inspect the store, for <c>--keep</c>.</summary>
    IEnumerable<string> Commands { get; }

    /// <summary>Writes what the daemons need to start.</summary>
    Task ConfigureAsync(DemoOutput output, CancellationToken cancel);

    /// <summary>The subnet of each lease, by the public address of its node: 10.24.5.0/24.</summary>
    Task<IReadOnlyDictionary<string, string>> SubnetsAsync(CancellationToken cancel);

    Task WriteLeasesAsync(DemoOutput output, CancellationToken cancel);

    /// <summary>The elected route controller, or null.</summary>
    Task<EcsInstance?> ControllerAsync(CancellationToken cancel);
}
