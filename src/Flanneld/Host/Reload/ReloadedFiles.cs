using System.Security.Cryptography;
using Flannel.Core;
using Flanneld.Options;

namespace Flanneld.Host.Reload;

/// <summary>A file of passwords, keys or certificates that a flag names.</summary>
internal sealed record NamedFile(string Flag, string Path)
{
    /// <summary>For the log.</summary>
    public override string ToString() => $"{Flag} {Redaction.Path(Path)}";
}

/// <summary>What became of the files since they were last compared.</summary>
/// <param name="Problems">Why a file cannot be used, one line each.</param>
internal sealed record FileChanges(IReadOnlyList<NamedFile> Changed, IReadOnlyList<string> Problems);

/// <summary>Notices which of the files have changed. The clients read the files themselves, for each connection or request. Not
/// thread-safe.</summary>
internal sealed class ReloadedFiles
{
    private readonly IReadOnlyList<NamedFile> files;
    private readonly Dictionary<string, string> fingerprints = new(StringComparer.Ordinal);

    private ReloadedFiles(IReadOnlyList<NamedFile> files) => this.files = files;

    /// <summary>The files as they are now.</summary>
    public static ReloadedFiles Of(DaemonOptions options)
    {
        List<NamedFile> files = [];
        if (options.IsKubeSubnetManager)
        {
            Add("--kubeconfig-file", options.KubeconfigFile);
        }
        else
        {
            Add("--etcd-cafile", options.EtcdCaFile);
            Add("--etcd-certfile", options.EtcdCertFile);
            Add("--etcd-keyfile", options.EtcdKeyFile);
            Add("--etcd-password-file", options.EtcdPasswordFile);
        }

        Add("--access-key-file", options.AccessKeyFile);
        var result = new ReloadedFiles(files);
        result.FindChanges();
        return result;

        void Add(string flag, string? path)
        {
            if (path is not null) files.Add(new NamedFile(flag, path));
        }
    }

    public FileChanges FindChanges()
    {
        List<NamedFile> changed = [];
        List<string> problems = [];
        foreach (var file in files)
        {
            switch (SmallFile.Read(file.Path))
            {
                case SmallFileResult.Present present:
                    if (Replace(file.Path, FingerprintOf(present.Content))) changed.Add(file);
                    break;
                case SmallFileResult.Unusable unusable:
                    problems.Add($"{file} {unusable.Reason}; the former content stays in use");
                    break;
            }
        }

        return new FileChanges(changed, problems);
    }

    /// <returns>Whether another content was known.</returns>
    private bool Replace(string path, string fingerprint)
    {
        var isChanged = fingerprints.GetValueOrDefault(path) is { } before && before != fingerprint;
        fingerprints[path] = fingerprint;
        return isChanged;
    }

    private static string FingerprintOf(byte[] content)
    {
        var fingerprint = Convert.ToHexString(SHA256.HashData(content));
        CryptographicOperations.ZeroMemory(content);
        return fingerprint;
    }
}
