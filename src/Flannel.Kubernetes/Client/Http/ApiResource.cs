namespace Flannel.Kubernetes.Client.Http;

/// <summary>A resource of the API.</summary>
/// <param name="Group">Empty for the core group.</param>
/// <param name="Name">In the plural, as in paths and in RBAC.</param>
internal sealed record ApiResource(string Group, string Version, string Name)
{
    public static readonly ApiResource Nodes = new("", "v1", "nodes");
    public static readonly ApiResource Pods = new("", "v1", "pods");
    public static readonly ApiResource Events = new("", "v1", "events");
    public static readonly ApiResource Leases = new("coordination.k8s.io", "v1", "leases");
    public static readonly ApiResource SelfSubjectAccessReviews = new("authorization.k8s.io", "v1", "selfsubjectaccessreviews");

    /// <summary>The path <c>/version</c>, which belongs to no group.</summary>
    public static readonly ApiResource ServerVersion = new("", "", "version");

    /// <summary>The beginning of a path.</summary>
    public string Root
    {
        get
        {
            if (Version.Length == 0) return "";
            return Group.Length == 0 ? $"/api/{Version}" : $"/apis/{Group}/{Version}";
        }
    }
}
