using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flanneld.Clients;
using Flanneld.Options;

namespace Flanneld.Commands.Config;

/// <summary><c>flanneld config set</c>: shows what changes, asks, and writes the network configuration if it is still as it was
/// shown.</summary>
internal sealed class ConfigSet(DaemonOptions options, Connections connections, EtcdClusterStore etcd, ClientContext context)
{
    private readonly ConfigReader reader = new(connections);

    /// <returns>Success if it is written, if there is nothing to write, and after a dry run.</returns>
    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        var given = await ConfigInput.ReadAsync(options.Argument!, cancellation);
        if (!given.Ok) return Result.Failure(given.Error);
        return await StoreErrors.ToResultAsync(() => ReplaceAsync(given.Value, cancellation));
    }

    private async Task<Result<Unit>> ReplaceAsync(ConfigInput given, CancellationToken cancellation)
    {
        var stored = await reader.ReadAsync(cancellation);
        if (stored.Value is { } value && value.Span.SequenceEqual(given.Value))
        {
            await PrintAsync($"no difference from {reader.Key}, revision {stored.ModRevision}: nothing to write");
            return Unit.Instance;
        }

        var misplaced = stored.Value is null ? await reader.DescribeMisplacedAsync(cancellation) : "";
        var state = await connections.Subnets.ReadAsync(cancellation);
        var review = await ConfigReview.RunAsync(options, connections, given, state, context, cancellation);
        await PrintAsync(string.Join('\n', [.. ShowDifference(stored, given, misplaced), .. review.Lines, .. DescribeRunningNodes(state)]));
        if (FindRefusal(review) is { } refusal && !options.Force) return Result.Failure(refusal);
        if (options.DryRun)
        {
            await PrintAsync("dry run: nothing is written");
            return Unit.Instance;
        }

        var confirmed = await Confirmation.AskAsync($"write this to {reader.Key}?", options.IsConfirmed, cancellation);
        return confirmed.Ok ? await WriteAsync(stored, given, cancellation) : confirmed;
    }

    /// <param name="misplaced">The note about another place; empty for none.</param>
    private List<string> ShowDifference(StoredConfig stored, ConfigInput given, string misplaced)
    {
        var difference = ConfigDifference.Between(stored.Value, given.Value);
        var present = stored.Value is null
            ? $"which does not exist yet{(misplaced.Length > 0 ? $" ({misplaced})" : "")}"
            : $"revision {stored.ModRevision}";
        List<string> lines = [$"{reader.Key}, {present}:", .. difference.Lines];
        if (difference.IsSame && stored.Value is not null) lines.Add("all values stay: only the form of the text changes");
        lines.AddRange(given.Warnings.Select(line => $"warning: {line}"));
        if (given.HadByteOrderMark) lines.Add("the byte order mark is not written");
        return lines;
    }

    private static string[] DescribeRunningNodes(SubnetState state)
    {
        var nodes = state.Leases.Count(lease => !lease.IsReservation);
        return nodes == 0
            ? []
            : [
                $"{Plural.Of(nodes, "node has a lease", "nodes have leases")}: a running node keeps the configuration"
                    + " that it started with, and uses this one when it starts again (a changed access key at once);"
                    + " restart one node after the other",
            ];
    }

    private static string? FindRefusal(ConfigReview review)
    {
        List<string> reasons = [];
        if (review.Misfits.Count > 0) reasons.Add($"{Plural.Of(review.Misfits.Count, "lease does", "leases do")} not fit");
        if (review.Overlaps.Count > 0) reasons.Add("it overlaps ranges that are in use");
        return reasons.Count == 0 ? null : $"not written: {string.Join(", and ", reasons)}, see above; --force writes it";
    }

    private async Task<Result<Unit>> WriteAsync(StoredConfig stored, ConfigInput given, CancellationToken cancellation)
    {
        try
        {
            var result = await ConfigStore.ReplaceAsync(etcd.Connection, etcd.Keys, stored, given.Value, cancellation);
            if (result is not ConfigWriteResult.Written written)
            {
                return Result.Failure(
                    $"not written: {reader.Key} was changed after revision {stored.ModRevision} was shown; run the command again");
            }

            await PrintAsync($"{reader.Key} is written at revision {written.Revision}{DescribeRestore(stored)}");
            return Unit.Instance;
        }
        catch (EtcdException e) when (e.MayHaveHappened)
        {
            return Result.Failure($"{e.Summary}; it may be written: see 'flanneld config get'");
        }
    }

    private string DescribeRestore(StoredConfig stored) => stored.Value is null
        ? ""
        : $"\nthe previous value has revision {stored.ModRevision}; to restore it, until etcd compacts that revision:"
            + $" etcdctl --endpoints={options.EtcdEndpoints} get --print-value-only --rev={stored.ModRevision} {reader.Key}"
            + " | flanneld config set --yes -";

    private static Task PrintAsync(string lines) => Console.Out.WriteLineAsync(lines);
}
