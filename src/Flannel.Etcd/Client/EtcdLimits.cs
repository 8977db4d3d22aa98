namespace Flannel.Etcd.Client;

/// <summary>Limits of etcd's default configuration.</summary>
internal static class EtcdLimits
{
    /// <summary>The number of compares, and of operations of each branch, in one transaction (<c>--max-txn-ops</c>; etcd
    /// <c>v3rpc/key.go</c>, checkTxnRequest).</summary>
    public const int MaxTxnOperations = 128;
}
