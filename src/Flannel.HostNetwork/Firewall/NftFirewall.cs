using Flannel.Core;

namespace Flannel.HostNetwork.Firewall;

/// <summary>The masquerade table through <c>nft</c>. One read per check. The versions of nft print a table in different ways: a table is
/// compared with what nft printed after it was written.</summary>
/// <param name="nft">The path of nft.</param>
/// <param name="family"><c>ip</c> or <c>ip6</c>.</param>
internal sealed class NftFirewall(string nft, string family, string table)
{
    private string? accepted;

    /// <param name="script">What replaces the table; null for no table.</param>
    /// <returns>Whether something was changed.</returns>
    public async Task<Result<bool>> ReconcileAsync(string? script, CancellationToken cancellation)
    {
        var found = await ReadAsync(cancellation);
        if (!found.Ok) return Result.Failure(found.Error);
        if (script is null ? found.Value.Length == 0 : found.Value == accepted) return false;
        var written = await WriteAsync(nft, script ?? NftTable.Delete(family, table), cancellation);
        if (!written.Ok) return Result.Failure(written.Error);
        if (script is null) return true;
        var read = await ReadAsync(cancellation);
        if (!read.Ok) return Result.Failure(read.Error);
        accepted = read.Value;
        return true;
    }

    /// <summary>The names of all tables of flanneld in one family.</summary>
    public static async Task<Result<IReadOnlyList<string>>> FindTablesAsync(string nft, string family, CancellationToken cancellation)
    {
        var listing = await FirewallCommand.ReadAsync(nft, ["list", "tables", family], "", cancellation);
        return listing.Select(NftTable.FindOwn);
    }

    public static async Task<Result<Unit>> WriteAsync(string nft, string script, CancellationToken cancellation)
    {
        var written = await FirewallCommand.ReadAsync(nft, ["-f", "-"], script, cancellation);
        return written.Select(_ => Unit.Instance);
    }

    /// <returns>Empty if there is no table.</returns>
    private async Task<Result<string>> ReadAsync(CancellationToken cancellation)
    {
        var ended = await FirewallCommand.RunAsync(nft, ["list", "table", family, table], "", cancellation);
        if (!ended.Ok) return Result.Failure(ended.Error);
        var isMissing = ended.Value.Error.Contains("No such file or directory", StringComparison.Ordinal);
        return isMissing ? "" : FirewallCommand.ToResult(ended.Value);
    }
}
