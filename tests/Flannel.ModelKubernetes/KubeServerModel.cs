using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Model;

/// <summary>The state of one API server and its etcd, in the time of the test: shared by the clients of all nodes. Each call is one
/// executed request or one action of another party. Thread-safe. Tests compare it with a real API server.</summary>
public sealed class KubeServerModel(TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Dictionary<ObjectName, string?> pods = [];
    private NamespacedObjects objects = new();
    private TaskCompletionSource changed = New();
    private long nextUid;

    /// <summary>Something was written, or watches broke: watchers must take their events. Raised under the lock.</summary>
    public event Action? Changed;

    public TimeProvider Time => time;

    /// <summary>The resource version of the last write of any object.</summary>
    public long Revision { get; private set; } = 1;

    /// <summary>Changes when the watches break.</summary>
    public int Generation { get; private set; }

    /// <summary>If false, every request fails and watches break.</summary>
    public bool IsAvailable
    {
        get;
        set
        {
            lock (gate)
            {
                field = value;
                Notify();
            }
        }
    }
    = true;

    public string Version { get; set; } = "v1.20.2";

    /// <summary>How often a watch receives a bookmark.</summary>
    public TimeSpan BookmarkInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>When the server ends a watch.</summary>
    public TimeSpan WatchTime { get; set; } = TimeSpan.FromMinutes(7);

    public IReadOnlyList<KubeNode> Nodes => Locked(() => Store.All);

    public IReadOnlyList<KubeLease> Leases => Locked(() => (IReadOnlyList<KubeLease>)[.. objects.Leases.Values]);

    public IReadOnlyList<KubeEvent> Events => Locked(() => (IReadOnlyList<KubeEvent>)[.. objects.Events.Values]);

    internal NodeStore Store { get; private set; } = new();

    // Actions of other parties.

    public KubeNode CreateNode(string name, params IReadOnlyList<string> podCidrs) =>
        CreateNode(new KubeNode(name, "", "") { PodCidrs = podCidrs });

    /// <summary>Registers a node, as a kubelet does. It gets a new UID.</summary>
    public KubeNode CreateNode(KubeNode node) => Locked(() =>
    {
        if (Store.Find(node.Name) is not null) throw new KubeException(KubeErrorKind.Conflict, $"create nodes {node.Name}: already exists");
        return WriteNode(node.Name, node with { Uid = NewUid(), CreationTime = NodeStatusMerge.WholeSeconds(time.GetUtcNow()) })!;
    });

    public void DeleteNode(string name) => Locked(() =>
    {
        _ = FindNode("delete", name);
        return WriteNode(name, null);
    });

    /// <summary>Deletes a node and creates it again with what its kubelet knows: its labels and its provider's id. The controller manager
    /// assigns other pod CIDRs.</summary>
    public KubeNode RecreateNode(string name, params IReadOnlyList<string> podCidrs) => Locked(() =>
    {
        var before = FindNode("delete", name);
        WriteNode(name, null);
        return CreateNode(new KubeNode(name, "", "") { Labels = before.Labels, ProviderId = before.ProviderId, PodCidrs = podCidrs });
    });

    /// <summary>Another party writes the node. Assigned pod CIDRs cannot be changed.</summary>
    public KubeNode ChangeNode(string name, Func<KubeNode, KubeNode> change) => Locked(() =>
    {
        var before = FindNode("update", name);
        var after = change(before) with { Name = name, Uid = before.Uid, CreationTime = before.CreationTime };
        if (before.PodCidrs.Count > 0 && !before.PodCidrs.SequenceEqual(after.PodCidrs))
            throw new KubeException(KubeErrorKind.Invalid, $"update nodes {name}: node updates may not change podCIDRs except from empty");
        return WriteNode(name, after)!;
    });

    /// <summary>The kubelet writes its status: only the resource version changes.</summary>
    public KubeNode TouchNode(string name) => ChangeNode(name, node => node);

    public void DeleteLease(ObjectName name) => Locked(() =>
    {
        if (!objects.Leases.Remove(name)) throw NotFound("delete leases", name);
        return NextRevision();
    });

    /// <summary>Events expire after an hour.</summary>
    public void DeleteEvent(ObjectName name) => Locked(() =>
    {
        if (!objects.Events.Remove(name)) throw NotFound("delete events", name);
        return NextRevision();
    });

    /// <param name="nodeName">Null for a pod that is not scheduled.</param>
    public void SetPod(ObjectName pod, string? nodeName) => Locked(() =>
    {
        pods[pod] = nodeName;
        return NextRevision();
    });

    /// <summary>Another object is written: resource versions grow.</summary>
    public void WriteAnotherObject() => Locked(NextRevision);

    /// <summary>etcd's history is compacted, and the watch cache drops its events: lists cannot be continued, and watches from before
    /// this moment have expired. Open watches go on.</summary>
    public void Expire() => Locked(() =>
    {
        Store.Compact(Revision);
        Store.EmptyCache(Revision);
        return Revision;
    });

    /// <summary>The watch cache receives no events: lists of resource version <c>0</c> and watches stay at this state, other reads do
    /// not.</summary>
    public void FreezeCache() => Locked(() =>
    {
        Store.Freeze();
        return Revision;
    });

    public void ThawCache() => Locked(() =>
    {
        Store.Thaw();
        Notify();
        return Revision;
    });

    /// <summary>The API server restarts with an empty watch cache: watches break, and watches from older resource versions have
    /// expired.</summary>
    public void Restart() => Locked(() =>
    {
        Generation++;
        Store.EmptyCache(Revision);
        Notify();
        return Revision;
    });

    /// <returns>An action that restores a backup of now: older objects and resource versions.</returns>
    public Action Backup() => Locked<Action>(() =>
    {
        var (revision, savedNodes, savedObjects) = (Revision, Store.Copy(), objects.Copy());
        return () => Locked(() =>
        {
            (Revision, Store, objects) = (revision, savedNodes.Copy(), savedObjects.Copy());
            Restart();
            return Revision;
        });
    });

    /// <summary>Completes at the next write, or when watches break.</summary>
    public Task NextChangeAsync() => Locked(() => changed.Task);

    // Requests.

    public KubeNode GetNode(string name) => Locked(() => FindNode("get", name));

    /// <param name="staleBy">For a list of resource version <c>0</c>: how many of the last changes the cache of the API server that
    /// responds lacks.</param>
    public KubeNodeList ListNodes(NodeListRequest request, int staleBy = 0) => Locked(() => Store.List(request, Revision, staleBy));

    public NodeWatchCursor WatchNodes(string? name, string resourceVersion) =>
        Locked(() => new NodeWatchCursor(this, name, resourceVersion));

    /// <summary>A patch that changes nothing is a write, too: the API server 1.20 stores the time of it in <c>managedFields</c>.</summary>
    public KubeNode PatchNodeStatus(string name, NodeStatusPatch patch) =>
        Locked(() => WriteNode(name, NodeStatusMerge.Apply(FindNode("patch", name), patch))!);

    public KubeLease GetLease(ObjectName name) =>
        Locked(() => objects.Leases.GetValueOrDefault(name) ?? throw NotFound("get leases", name));

    public KubeLease CreateLease(KubeLease lease) => Locked(() =>
    {
        if (objects.Leases.ContainsKey(lease.Name))
            throw new KubeException(KubeErrorKind.Conflict, $"create leases {lease.Name}: already exists");
        if (lease.ResourceVersion != "")
        {
            throw new KubeException(
                KubeErrorKind.Invalid, $"create leases {lease.Name}: resourceVersion should not be set on objects to be created");
        }

        return WriteLease(lease with { Uid = NewUid() });
    });

    public KubeLease UpdateLease(KubeLease lease) => Locked(() =>
    {
        // As the HTTP client does: the API server would overwrite whatever is there.
        if (lease.ResourceVersion == "") throw new ArgumentException("a lease without a resource version", nameof(lease));
        // Also if it was deleted: the UID in the request is a precondition.
        var before = objects.Leases.GetValueOrDefault(lease.Name)
            ?? throw new KubeException(KubeErrorKind.Conflict, $"update leases {lease.Name}: Precondition failed: UID in precondition");
        if (lease.ResourceVersion != before.ResourceVersion || (lease.Uid != "" && lease.Uid != before.Uid))
            throw new KubeException(KubeErrorKind.Conflict, $"update leases {lease.Name}: the object has been modified");
        var after = NamespacedObjects.Stored(lease with { Uid = before.Uid });
        return NamespacedObjects.IsSame(before, after) ? before : WriteLease(after);
    });

    public KubeEvent CreateEvent(KubeEvent recorded) => Locked(() =>
    {
        // Events about objects without a namespace are in the namespace default (apimachinery's events validation).
        if (recorded.Name.Namespace != "default")
            throw new KubeException(KubeErrorKind.Invalid, $"create events {recorded.Name}: involvedObject.namespace does not match");
        if (objects.Events.ContainsKey(recorded.Name))
            throw new KubeException(KubeErrorKind.Conflict, $"create events {recorded.Name}: already exists");
        return WriteEvent(recorded);
    });

    /// <summary>Changes its count, time and message.</summary>
    public KubeEvent PatchEvent(KubeEvent recorded) => Locked(() =>
    {
        var before = objects.Events.GetValueOrDefault(recorded.Name) ?? throw NotFound("patch events", recorded.Name);
        return WriteEvent(before with { Count = recorded.Count, LastTime = recorded.LastTime, Message = recorded.Message });
    });

    public string? GetPodNodeName(ObjectName pod) =>
        Locked(() => pods.TryGetValue(pod, out var nodeName) ? nodeName : throw NotFound("get pods", pod));

    internal T Locked<T>(Func<T> action)
    {
        lock (gate) return action();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static KubeException NotFound(string request, ObjectName name) =>
        new(KubeErrorKind.NotFound, $"{request} {name}: not found");

    private KubeNode FindNode(string verb, string name) =>
        Store.Find(name) ?? throw new KubeException(KubeErrorKind.NotFound, $"{verb} nodes {name}: not found");

    private string NewUid() => $"00000000-0000-4000-8000-{++nextUid:x12}";

    private long NextRevision() => ++Revision;

    private KubeNode? WriteNode(string name, KubeNode? node)
    {
        Store.Write(NextRevision(), name, node);
        Notify();
        return Store.Find(name);
    }

    private KubeLease WriteLease(KubeLease lease) =>
        objects.Leases[lease.Name] = NamespacedObjects.Stored(lease) with { ResourceVersion = NodeStatusMerge.Text(NextRevision()) };

    private KubeEvent WriteEvent(KubeEvent recorded)
    {
        NextRevision();
        return objects.Events[recorded.Name] = NamespacedObjects.Stored(recorded);
    }

    private void Notify()
    {
        var waiting = changed;
        changed = New();
        waiting.SetResult();
        Changed?.Invoke();
    }
}
