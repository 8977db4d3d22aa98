namespace Flannel.EndToEnd.Tests;

/// <summary>Parts of upstream's kube-flannel.yml (flannel cdf76059).</summary>
internal static class UpstreamManifest
{
    /// <summary>Namespace, account and permissions.</summary>
    /// <param name="name">Of the namespace and the role; upstream's is <c>kube-flannel</c>. The account is <c>flannel</c>.</param>
    public static string RbacFor(string name) => $$$"""
        apiVersion: v1
        kind: Namespace
        metadata: {name: {{{name}}}, labels: {k8s-app: flannel}}
        ---
        apiVersion: v1
        kind: ServiceAccount
        metadata:
          name: flannel
          namespace: {{{name}}}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: {{{name}}}}
        rules:
        - apiGroups: [""]
          resources: [pods]
          verbs: [get]
        - apiGroups: [""]
          resources: [nodes]
          verbs: [get, list, watch]
        - apiGroups: [""]
          resources: [nodes/status]
          verbs: [patch]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: {{{name}}}}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{{name}}}}
        subjects:
        - {kind: ServiceAccount, name: flannel, namespace: {{{name}}}}
        """;
}
