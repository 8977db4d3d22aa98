using Flannel.Core;
using Flannel.Kubernetes.Client.Objects;
using Microsoft.Extensions.Logging;

namespace Flannel.Kubernetes.Client;

/// <summary>Finds the name of the Node that this process runs on, as flannel does (subnet/kube/kube.go, newKubeSubnetManager): the
/// variable <c>NODE_NAME</c>, else the node of the pod <c>POD_NAMESPACE</c>/<c>POD_NAME</c>.</summary>
/// <param name="environment">Returns the value of a variable; null without one.</param>
public sealed class NodeNameResolver(
    IKubeApi api, Func<string, string?> environment, ILogger logger, TimeProvider time, Random random)
{
    public const string NodeNameVariable = "NODE_NAME";

    private const string NamespaceVariable = "POD_NAMESPACE";
    private const string PodVariable = "POD_NAME";

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>Retries without end what can recover.</summary>
    /// <returns>The error is for an operator.</returns>
    public async Task<Result<string>> ResolveAsync(CancellationToken cancellation)
    {
        if (environment(NodeNameVariable) is { Length: > 0 } name) return Check(NodeNameVariable, name);
        if (environment(NamespaceVariable) is not { Length: > 0 } space || environment(PodVariable) is not { Length: > 0 } pod)
        {
            return Result.Failure(
                $"the name of the node is unknown: set {NodeNameVariable}, or {PodVariable} and {NamespaceVariable} (fieldRef: spec.nodeName)");
        }

        var checkedNamespace = Check(NamespaceVariable, space);
        if (!checkedNamespace.Ok) return checkedNamespace;
        var checkedPod = Check(PodVariable, pod);
        return checkedPod.Ok ? await ReadPodAsync(new ObjectName(space, pod), cancellation) : checkedPod;
    }

    private async Task<Result<string>> ReadPodAsync(ObjectName pod, CancellationToken cancellation)
    {
        var backoff = new Backoff(FirstPause, LongestPause, random);
        while (true)
        {
            string reason;
            TimeSpan? retryAfter = null;
            try
            {
                if (await api.GetPodNodeNameAsync(pod, cancellation) is { Length: > 0 } name) return name;
                reason = "the pod has no node";
            }
            catch (KubeException e)
            {
                if (!e.CanRecover) return Result.Failure($"{e.Summary}; or set {NodeNameVariable}");
                (reason, retryAfter) = (e.Summary, e.RetryAfter);
            }

            logger.NodeNameNotRead(backoff.Failures == 0 ? LogLevel.Debug : LogLevel.Warning, pod, reason);
            await Task.Delay(TimerRange.Clamp(backoff.Next(retryAfter)), time, cancellation);
        }
    }

    private static Result<string> Check(string variable, string name) =>
        ObjectName.IsValid(name)
            ? name
            : Result.Failure($"{variable}: \"{Redaction.Value(PrintableText.Of(name))}\" is not the name of an object in Kubernetes");
}
