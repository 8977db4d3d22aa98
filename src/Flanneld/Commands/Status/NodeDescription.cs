using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Routes;
using Flanneld.Commands.Leases;
using Flanneld.Commands.Output;
using Flanneld.Host.Interfaces;

namespace Flanneld.Commands.Status;

/// <summary>What etcd says about a node.</summary>
/// <param name="Lease">Null without one.</param>
/// <param name="Controller">The route controller; null without one.</param>
internal sealed record NodeInCluster(LeaseDescription? Lease, ControllerHolder? Controller)
{
    /// <summary>Why nodes are not candidates; empty while a route controller is elected.</summary>
    public NonCandidateList NonCandidates { get; init; } = NonCandidateList.Empty;
}

/// <summary>An error that is not resolved, as far as is known.</summary>
/// <param name="Source">Who reports it: <c>daemon</c>, <c>etcd</c> or <c>kubernetes</c>, <c>route</c> or <c>ipv6-route</c>.</param>
/// <param name="Message">One line.</param>
internal sealed record NodeError(string Source, string Message);

/// <summary>This node for <c>flanneld status</c>.</summary>
/// <param name="Cluster">Fails when etcd could not be read.</param>
/// <param name="FileSubnet">The subnet that <c>subnet.env</c> names; null without one.</param>
internal sealed record NodeDescription(
    SelectedInterface Selected, DaemonState Daemon, Result<NodeInCluster> Cluster, Ipv4Network? FileSubnet)
{
    private const int NameWidth = 18;

    /// <summary>The name of the subnet manager.</summary>
    public string Store { get; init; } = "etcd";

    /// <summary>Whether the daemon renews the lease, which expires otherwise.</summary>
    public bool IsLeaseRenewed { get; init; } = true;

    /// <returns>Why the subnet may not be used, one line; null if it may.</returns>
    public string? FindProblem()
    {
        // The daemon knows its lease without etcd.
        if (!Cluster.Ok) return Daemon.Name == DaemonState.Ready ? null : Cluster.Error;
        if (Cluster.Value.Lease is not { } lease) return $"{Selected.PublicIp} has no lease";
        if (lease is { RequiresRoute: true, IsInFallback: false } && lease.Route?.State != RouteState.Available)
        {
            var state = lease.Route is { } route ? $"{route.State}: {route.Message}" : "not created yet";
            return $"the route of {lease.Lease.Subnet} is {state}";
        }

        if (FileSubnet != lease.Lease.Subnet) return "subnet.env does not name the subnet of the lease";
        if (Daemon.Name != DaemonState.Stopped) return null;
        return IsLeaseRenewed ? "no daemon runs, and nothing renews the lease" : "no daemon runs";
    }

    /// <summary>The last errors that the daemon, etcd and the route controller report.</summary>
    public IReadOnlyList<NodeError> FindErrors()
    {
        List<NodeError> errors = [.. Daemon.Failures.Select(line => new NodeError("daemon", line))];
        if (!Cluster.Ok) errors.Add(new NodeError(Store.ToLowerInvariant(), Cluster.Error));
        if (!Cluster.Ok || Cluster.Value.Lease?.Route is not { } route) return errors;
        if (route.State != RouteState.Available) errors.Add(new NodeError("route", RouteStatusText.Of(route)));
        if (route.Ipv6 is { } ipv6 && ipv6.State != RouteState.Available) errors.Add(new NodeError("ipv6-route", RouteStatusText.Of(ipv6)));
        return errors;
    }

    public CommandDocument ToDocument(string subnetFile, DateTimeOffset now) =>
        new("NodeStatus", json => WriteFields(json, subnetFile, now), _ => ToTable(subnetFile, now));

    private void WriteFields(Utf8JsonWriter json, string subnetFile, DateTimeOffset now)
    {
        var problem = FindProblem();
        json.WriteBoolean("ready", problem is null);
        json.WriteString("reason", problem ?? "");
        json.WriteStartObject("node");
        json.WriteString("publicIP", Selected.PublicIp.ToString());
        json.WriteString("interface", Selected.Interface.Name);
        json.WriteNumber("mtu", Selected.Interface.Mtu);
        json.WriteEndObject();
        json.WriteStartObject("daemon");
        json.WriteString("state", Daemon.Name);
        json.WriteString("detail", Daemon.Detail);
        WriteChangedSettings(json);
        json.WriteEndObject();
        WriteCluster(json, Cluster.Ok ? Cluster.Value : null, now);
        json.WriteStartObject("subnetFile");
        json.WriteString("path", subnetFile);
        json.WriteString("subnet", FileSubnet?.ToString());
        json.WriteEndObject();
        json.WriteStartArray("errors");
        foreach (var error in FindErrors())
        {
            json.WriteStartObject();
            json.WriteString("source", error.Source);
            json.WriteString("message", error.Message);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteChangedSettings(Utf8JsonWriter json)
    {
        json.WritePropertyName("changedSettings");
        if (Daemon.ChangedSettings is not { } changed)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartArray();
        foreach (var line in changed) json.WriteStringValue(line);
        json.WriteEndArray();
    }

    /// <param name="found">Null when etcd could not be read.</param>
    private static void WriteCluster(Utf8JsonWriter json, NodeInCluster? found, DateTimeOffset now)
    {
        json.WritePropertyName("lease");
        if (found?.Lease is { } lease) lease.WriteTo(json, now);
        else json.WriteNullValue();
        json.WritePropertyName("controller");
        if (found?.Controller is { } controller)
        {
            json.WriteStartObject();
            json.WriteString("instanceId", controller.InstanceId);
            json.WriteString("publicIP", controller.PublicIp);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNullValue();
        }

        NonCandidateText.WriteTo(json, found?.NonCandidates ?? NonCandidateList.Empty);
    }

    private string ToTable(string subnetFile, DateTimeOffset now)
    {
        var fields = new FieldList(NameWidth);
        fields.Add("node", $"{Selected.PublicIp} on {Selected.Interface.Name}, MTU {Selected.Interface.Mtu}");
        fields.AddState("daemon", Daemon.Detail.Length > 0 ? $"{Daemon.Name}: {Daemon.Detail}" : Daemon.Name);
        if (Daemon.ChangedSettings is { Count: > 0 } changed)
        {
            fields.Add(
                "settings", $"the daemon runs with other settings than its service has now: {string.Join("; ", changed)}; restart it");
        }

        if (Cluster.Ok)
        {
            AddLease(fields, Cluster.Value.Lease, now);
            AddController(fields, Cluster.Value);
        }
        else
        {
            fields.Add("lease", $"unknown: {Cluster.Error}");
        }

        fields.Add("subnet file", $"{Redaction.Path(subnetFile)}: {FileSubnet?.ToString() ?? "none"}");
        fields.AddState("subnet usable", FindProblem() is { } problem ? $"no: {problem}" : "yes");
        return fields.ToString();
    }

    private static void AddLease(FieldList fields, LeaseDescription? lease, DateTimeOffset now)
    {
        if (lease is null)
        {
            fields.Add("lease", "none");
            return;
        }

        var instance = lease.InstanceId.Length > 0 ? $", instance {lease.InstanceId}" : "";
        var expiry = lease.Expiry(now) is { Length: > 0 } end ? $", expires {end}" : "";
        fields.Add("lease", $"{lease.Lease.Subnet}, backend {lease.Lease.Attributes.BackendType}{instance}{expiry}");
        if (lease.Ipv6Subnet is { } ipv6)
            fields.Add("IPv6 subnet", lease.Lease.Attributes.PublicIpv6 is { } address ? $"{ipv6}, node {address}" : ipv6);
        if (!lease.RequiresRoute) return;
        fields.AddState("route", lease.Route is not { } route ? "no status yet" : RouteStatusText.WithTime(route)
            + (lease.IsInFallback ? "; reached through the VXLAN tunnel" : ""));
        if (RouteStatusText.Table(lease.Route?.Tables) is { } tables) fields.AddTable(tables);
        if (lease.Route?.Ipv6 is { } ipv6Route)
        {
            fields.AddState("IPv6 route", RouteStatusText.Brief(ipv6Route));
            if (RouteStatusText.Table(ipv6Route.Tables) is { } ipv6Tables) fields.AddTable(ipv6Tables);
        }
        else if (lease.Ipv6Subnet is not null) fields.Add("IPv6 route", "no status");
    }

    private static void AddController(FieldList fields, NodeInCluster cluster)
    {
        const string name = "route controller";
        if (cluster.Controller is { } controller)
        {
            fields.Add(name, $"{controller.InstanceId} ({controller.PublicIp})");
            return;
        }

        var list = cluster.NonCandidates;
        if (list.Count == 0 && cluster.Lease is not { RequiresRoute: true }) return;
        fields.Add(name, list.Count == 0 ? "none" : $"none: {list.Describe(atMost: 0)}");
        foreach (var line in NonCandidateText.Lines(list)) fields.Add("", line);
    }
}
