namespace Flannel.Kubernetes.Registry;

/// <summary>A Node's <c>spec.providerID</c> on Alibaba Cloud: <c>alicloud://REGION.INSTANCE</c>, or without the scheme
/// (cloud-provider-alibaba-cloud <c>pkg/controller/helper/node_utils.go</c>, <c>NodeFromProviderID</c>).</summary>
/// <param name="InstanceId"><c>i-…</c></param>
public sealed record ProviderId(string RegionId, string InstanceId)
{
    /// <summary>Of a machine outside the cloud in a cluster of Alibaba Cloud.</summary>
    internal const string HybridScheme = "ack-hybrid://";

    private const string Scheme = "alicloud://";

    /// <summary>Null for a Node of another provider, and without one.</summary>
    public static ProviderId? Parse(string text)
    {
        var name = text.StartsWith(Scheme, StringComparison.Ordinal) ? text[Scheme.Length..] : text;
        return !name.Contains('/', StringComparison.Ordinal) && name.Split('.') is [{ Length: > 0 } region, { Length: > 0 } instance]
            ? new ProviderId(region, instance)
            : null;
    }
}
