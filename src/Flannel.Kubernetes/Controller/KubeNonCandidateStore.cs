using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Controller;

/// <summary>Why nodes are not candidates for route controller, in an annotation of the election's Lease while no node holds it. The
/// election removes all of them.</summary>
public sealed class KubeNonCandidateStore(KubeControllerContext context)
{
    /// <summary>The reasons are mostly the same; the annotation stays small however many nodes the cluster has.</summary>
    public const int MaxNodes = 16;

    private const int MaxAttempts = 3;
    private const int MaxTextBytes = 1024;

    private readonly ControllerApi api = context.Api;

    /// <summary>Publishes a node's reason. One read, and one write only if the reason has changed and fewer than <see cref="MaxNodes"/>
    /// nodes have published theirs.</summary>
    /// <param name="isVacant">Whether no node holds the Lease, as far as the caller knows.</param>
    /// <exception cref="KubeException">The API server is unavailable or rejects the request. Can be repeated.</exception>
    public Task PublishAsync(NonCandidate node, Func<KubeLease?, bool> isVacant, CancellationToken cancellation) =>
        ChangeAsync(
            (lease, nodes) =>
            {
                var before = nodes.FirstOrDefault(each => each.InstanceId == node.InstanceId);
                if (!isVacant(lease) || (before is null && nodes.Count >= MaxNodes)) return null;
                if (before?.Reason == node.Reason && before.PublicIp == node.PublicIp) return null;
                var since = before?.Reason == node.Reason ? before.Since : node.Since;
                return [.. nodes.Where(each => each != before), Shortened(node with { Since = since })];
            },
            cancellation);

    /// <summary>Deletes what an earlier run of a node published.</summary>
    /// <exception cref="KubeException">The API server is unavailable or rejects the request. Can be repeated.</exception>
    public Task DeleteAsync(string instanceId, CancellationToken cancellation) =>
        ChangeAsync(
            (_, nodes) => nodes.Any(each => each.InstanceId == instanceId) ? [.. nodes.Where(each => each.InstanceId != instanceId)] : null,
            cancellation);

    /// <param name="limit">The largest number of nodes that are returned.</param>
    /// <exception cref="KubeException">The API server is unavailable or rejects the request.</exception>
    public async Task<NonCandidateList> ReadAsync(int limit, CancellationToken cancellation) =>
        ReadFrom(await api.GetLeaseAsync(ControllerObjects.ElectionName, cancellation), limit);

    /// <param name="election">The election's Lease; null if it does not exist.</param>
    internal static NonCandidateList ReadFrom(KubeLease? election, int limit)
    {
        var nodes = NodesOf(election);
        return new NonCandidateList([.. nodes.Take(limit)], nodes.Count);
    }

    /// <param name="change">The new list; null to write nothing.</param>
    private async Task ChangeAsync(
        Func<KubeLease?, IReadOnlyList<NonCandidate>, NonCandidate[]?> change, CancellationToken cancellation)
    {
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            var lease = await api.GetLeaseAsync(ControllerObjects.ElectionName, cancellation);
            if (change(lease, NodesOf(lease)) is not { } nodes) return;
            Array.Sort(nodes, (one, other) => string.CompareOrdinal(one.InstanceId, other.InstanceId));
            var text = nodes.Length == 0 ? null : JsonSerializer.Serialize(nodes, ControllerJson.Default.NonCandidateArray);
            var changed = (lease ?? new KubeLease(ControllerObjects.Election(context.Namespace), "")).With(
                ControllerObjects.CandidatesAnnotation, text);
            try
            {
                await api.WriteLeaseAsync(changed, cancellation);
                return;
            }
            catch (KubeException e) when (e.Kind == KubeErrorKind.Conflict)
            {
                // Another node published its reason, or was elected.
            }
        }
    }

    private static IReadOnlyList<NonCandidate> NodesOf(KubeLease? lease)
    {
        if (lease is null) return [];
        var nodes = ControllerObjects.Read(lease, ControllerObjects.CandidatesAnnotation, ControllerJson.Default.NonCandidateArray);
        return nodes is null ? [] : [.. nodes.Select(Printable).OfType<NonCandidate>()];
    }

    /// <summary>Null for an entry that cannot be read.</summary>
    private static NonCandidate? Printable(NonCandidate? node) => node is { InstanceId: not null, PublicIp: not null, Reason: not null }
        ? new NonCandidate(
            PrintableText.Of(node.InstanceId), PrintableText.Of(node.PublicIp), PrintableText.Of(node.Reason),
            PrintableText.Of(node.RequestId ?? ""), node.Since)
        : null;

    private static NonCandidate Shortened(NonCandidate node) => node with { Reason = ShortText.Of(node.Reason, MaxTextBytes) };
}
