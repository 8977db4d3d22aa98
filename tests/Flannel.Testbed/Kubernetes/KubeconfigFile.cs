namespace Flannel.Testbed.Kubernetes;

/// <summary>A kubeconfig with one cluster and one user.</summary>
internal static class KubeconfigFile
{
    /// <param name="credentials">The fields of the user.</param>
    public static async Task WriteAsync(string path, Uri server, string authorityFile, string credentials, CancellationToken cancel)
    {
        // A reader never sees half of it.
        var part = $"{path}.part";
        await File.WriteAllTextAsync(part, $$"""
            apiVersion: v1
            kind: Config
            current-context: test
            contexts:
            - name: test
              context: {cluster: test, user: test}
            clusters:
            - name: test
              cluster:
                server: "{{server.GetLeftPart(UriPartial.Authority)}}"
                certificate-authority: "{{authorityFile}}"
            users:
            - name: test
              user:
                {{credentials}}

            """, cancel);
        File.Move(part, path, overwrite: true);
    }
}
