using System.Security.Cryptography;
using System.Text;
using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.Kubernetes.Client.Access;

/// <summary>Reads the access again before each request, so that a replaced kubeconfig needs no restart. A file that cannot be used, such
/// as during its replacement, leaves the former content in use. Not thread-safe.</summary>
internal sealed class AccessSource(KubeAccessOptions options, ILogger logger)
{
    private string lastFingerprint = "";
    private string? lastReported;
    private ClusterAccess? access;

    /// <returns>The same object while nothing has changed. The error is for an operator; there is none while a former content is in
    /// use.</returns>
    public Result<ClusterAccess> Current()
    {
        // The environment of a process does not change.
        if (options.KubeconfigFile.Length == 0 && access is not null) return access;
        var read = options.KubeconfigFile.Length == 0 ? WithoutKubeconfig() : ReadKubeconfig(options.KubeconfigFile);
        if (read.Ok)
        {
            access = read.Value;
            lastReported = null;
            return read;
        }

        if (access is null) return read;
        if (lastReported != read.Error) logger.FormerContentUsed(read.Error);
        lastReported = read.Error;
        return access;
    }

    private Result<ClusterAccess> WithoutKubeconfig()
    {
        if (options.ApiUrl.Length == 0) return InCluster.Create(options);
        return ServerAddress.Parse(options.ApiUrl, usesTls: false).WithErrorPrefix("--kube-api-url: ")
            .Select(server => InCluster.WithUrl(server, options));
    }

    private Result<ClusterAccess> ReadKubeconfig(string path)
    {
        switch (SmallFile.Read(path))
        {
            case SmallFileResult.Present present:
                var text = Encoding.UTF8.GetString(present.Content);
                var fingerprint = Convert.ToHexString(SHA256.HashData(present.Content)); // the content has secrets
                CryptographicOperations.ZeroMemory(present.Content);
                if (access is not null && fingerprint == lastFingerprint) return access;
                var parsed = new Kubeconfig(path, options.ApiUrl).Parse(text.TrimStart('\uFEFF'));
                if (parsed.Ok) lastFingerprint = fingerprint;
                return parsed;

            case SmallFileResult.Unusable unusable:
                return Result.Failure($"kubeconfig {Redaction.Path(path)} {unusable.Reason}");
            case var other:
                throw new InvalidOperationException($"unexpected {other.GetType()}");
        }
    }
}
