namespace Flannel.Kubernetes.Client.Access;

/// <summary>Where the API server and the credentials are, as the flags say. Immutable.</summary>
public sealed record KubeAccessOptions
{
    /// <summary>Where Kubernetes mounts the token and the CA of a pod's service account.</summary>
    public const string DefaultServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary><c>--kube-api-url</c>: takes the place of the kubeconfig's server; empty for none.</summary>
    public string ApiUrl { get; init; } = "";

    /// <summary><c>--kubeconfig-file</c>: in YAML or JSON; empty for none.</summary>
    public string KubeconfigFile { get; init; } = "";

    /// <summary>Holds <c>token</c> and <c>ca.crt</c>.</summary>
    public string ServiceAccountFolder { get; init; } = DefaultServiceAccountFolder;

    /// <summary>Returns the value of a variable of the environment; null without one.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;
}
