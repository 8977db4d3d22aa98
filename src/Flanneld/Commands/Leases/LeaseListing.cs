using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flanneld.Clients;
using Flanneld.Commands.Output;
using Flanneld.Options;

namespace Flanneld.Commands.Leases;

/// <summary><c>flanneld leases</c>: lists the leases of the cluster with the state of their routes.</summary>
internal sealed class LeaseListing(DaemonOptions options, Connections connections, TimeProvider time)
{
    private const string Route = "ROUTE";
    private static readonly string[] Headings = ["SUBNET", "PUBLIC IP", "BACKEND", "INSTANCE", Route, "EXPIRES"];

    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        var listed = await ReadAsync(cancellation);
        if (!listed.Ok) return Result.Failure(listed.Error);
        await listed.Value.Document.PrintAsync(options);
        return listed.Value.IsComplete
            ? Unit.Instance
            : Result.Failure("a lease cannot be read, and is not in the list: see the daemon's log");
    }

    /// <returns>Fails when etcd could not be read.</returns>
    public Task<Result<ListedLeases>> ReadAsync(CancellationToken cancellation) => StoreErrors.ToResultAsync<ListedLeases>(async () =>
    {
        var etcd = connections.Store.Description;
        var state = await Progress.RunAsync(etcd, connections.Subnets.ReadAsync(cancellation));
        var leases = await Progress.RunAsync(etcd, new LeaseDescriptionReader(connections).ReadAsync(state.Leases, cancellation));
        return new ListedLeases(Describe(state, leases), state.IsComplete);
    });

    private CommandDocument Describe(SubnetState state, IReadOnlyList<LeaseDescription> leases)
    {
        var now = time.GetUtcNow();
        long? free = state.Config is ConfigState.Present present ? SubnetAllocator.CountFree(present.Config, state.Taken) : null;
        return new CommandDocument("LeaseList", WriteFields, isWide => ToTable(leases, isWide, now) + Summarize(leases, free));

        void WriteFields(Utf8JsonWriter json)
        {
            json.WriteStartArray("items");
            foreach (var lease in leases) lease.WriteTo(json, now);
            json.WriteEndArray();
            json.WritePropertyName("free");
            if (free is { } count) json.WriteNumberValue(count);
            else json.WriteNullValue();
        }
    }

    private static string ToTable(IReadOnlyList<LeaseDescription> leases, bool isWide, DateTimeOffset now)
    {
        IReadOnlyList<string> headings = isWide
            ? [.. Headings, "TABLES", "IPV6 SUBNET", "IPV6 ROUTE", "FALLBACK", "MESSAGE"]
            : Headings;
        var table = new TextTable(headings) { StateColumn = Route };
        foreach (var each in leases)
        {
            List<string> cells =
            [
                each.Lease.Subnet.ToString(), each.PublicIp, each.Lease.Attributes.BackendType, each.InstanceId, each.RouteState,
                each.Expiry(now),
            ];
            if (isWide)
            {
                cells.AddRange(
                [
                    string.Join(',', each.Route?.RouteTableIds ?? []), each.Ipv6Subnet ?? "", each.Ipv6RouteState,
                    each.IsInFallback ? "yes" : "no", each.Route?.Message ?? "",
                ]);
            }

            table.Add(cells);
        }

        return table.ToString();
    }

    private static string Summarize(IReadOnlyList<LeaseDescription> leases, long? free)
    {
        var unavailable = leases.Count(lease => lease.RequiresRoute && lease.Route?.State != RouteState.Available);
        var routes = unavailable > 0 ? $", {unavailable} without an available route" : "";
        var subnets = free is null ? "" : $", {Plural.Of(free.Value, "subnet")} free";
        return $"{Plural.Of(leases.Count, "lease")}{subnets}{routes}\n";
    }
}

/// <summary>The leases of the cluster.</summary>
/// <param name="IsComplete">False if a lease cannot be read.</param>
internal sealed record ListedLeases(CommandDocument Document, bool IsComplete);
