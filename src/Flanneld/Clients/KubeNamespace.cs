using System.Text;
using Flannel.Core;
using Flannel.Kubernetes.Client.Objects;

namespace Flanneld.Clients;

/// <summary>The namespace of the daemons, in which the election takes place. It must be the same on all nodes of a cluster.</summary>
internal static class KubeNamespace
{
    private const string Variable = "POD_NAMESPACE";

    /// <summary>Kubernetes mounts it with the token.</summary>
    private const string FileName = "namespace";

    /// <summary>That of upstream's <c>kube-flannel.yml</c>.</summary>
    private const string Default = "kube-flannel";

    /// <summary>That of the variable, of the pod, or the default.</summary>
    /// <param name="serviceAccount">The folder with the files of the pod's service account.</param>
    public static Result<string> Find(IReadOnlyDictionary<string, string> environment, string serviceAccount)
    {
        if (environment.GetValueOrDefault(Variable) is { Length: > 0 } given)
        {
            return ObjectName.IsValid(given)
                ? given
                : Result.Failure($"{Variable}: \"{Redaction.Value(PrintableText.Of(given))}\" is not the name of a namespace");
        }

        var mounted = SmallFile.Read(Path.Combine(serviceAccount, FileName)) is SmallFileResult.Present present
            ? Encoding.UTF8.GetString(present.Content).Trim()
            : "";
        return ObjectName.IsValid(mounted) ? mounted : Default;
    }
}
