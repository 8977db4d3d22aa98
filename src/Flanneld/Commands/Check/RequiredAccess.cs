using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flanneld.Clients;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary>A verb that RBAC must allow.</summary>
/// <param name="LostWithout">What does not work without it, the end of a sentence; empty if nothing works.</param>
internal sealed record RequiredAccess(AccessReview Review, string LostWithout)
{
    private const string LeaseGroup = "coordination.k8s.io";

    /// <summary>A Node has no namespace, and the API server accepts Events about it here only.</summary>
    private const string EventNamespace = "default";

    /// <summary>The rule of a Role or ClusterRole that grants it, on one line.</summary>
    public string Rule
    {
        get
        {
            var resource = Review.Subresource.Length > 0 ? $"{Review.Resource}/{Review.Subresource}" : Review.Resource;
            var kind = Review.Namespace.Length > 0 ? $"Role in namespace {Review.Namespace}" : "ClusterRole";
            return $"{kind}: apiGroups [\"{Review.Group}\"], resources [{resource}], verbs [{Review.Verb}]";
        }
    }

    /// <summary>All that the daemon needs with these options.</summary>
    /// <param name="environment">Of the daemon.</param>
    public static IReadOnlyList<RequiredAccess> Of(
        DaemonOptions options, IReadOnlyDictionary<string, string> environment, KubernetesClusterStore store)
    {
        var space = store.Controller.Namespace;
        List<RequiredAccess> required =
        [
            Node("get"), Node("list"), Node("watch"),
            new(new AccessReview("patch", "", "nodes", "status"), ""),
            Lease("get", "no node knows the route controller, and none is elected"),
        ];
        if (options.MayControlRoutes)
        {
            required.AddRange(
            [
                Lease("create", "no route controller is elected, and no route is written"),
                Lease("update", "no route controller is elected, and no route is written"),
                Event("create"), Event("patch"),
            ]);
        }

        if (string.IsNullOrEmpty(environment.GetValueOrDefault(NodeNameResolver.NodeNameVariable)))
            required.Add(new(new AccessReview("get", "", "pods", "", space), "set NODE_NAME"));
        return required;

        RequiredAccess Node(string verb) => new(new AccessReview(verb, "", "nodes"), "");

        RequiredAccess Lease(string verb, string lost) => new(new AccessReview(verb, LeaseGroup, "leases", "", space), lost);

        RequiredAccess Event(string verb) =>
            new(new AccessReview(verb, "", "events", "", EventNamespace), "no Event says why a node has no route");
    }
}
