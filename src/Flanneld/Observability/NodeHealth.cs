using System.Globalization;
using System.Text;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Routes;
using Flanneld.Options;

namespace Flanneld.Observability;

/// <summary>How the node is: the one place that <c>/readyz</c>, <c>/metrics</c> and systemd's STATUS line are told from.</summary>
internal sealed class NodeHealth(ControllerMetrics controllerMetrics, TimeProvider time, LivenessMonitor? loops = null) : IHealth
{
    private readonly Lock gate = new();
    private readonly DateTimeOffset started = time.GetUtcNow();
    private string lease = "waiting for etcd";
    private string route = "no lease yet";
    private string file = "not written";
    private bool leaseOk, routeOk, fileOk;
    private Ipv4Network? subnet;
    private DateTimeOffset? leaseUntil;
    private long renewals;
    private string controller = "";
    private RouteState? state;

    public string? Hung => loops?.Hung;

    public IReadOnlyList<(string Name, bool Ok, string Detail)> Checks
    {
        get
        {
            lock (gate) return [("lease", leaseOk, lease), ("route", routeOk, route), ("subnet-file", fileOk, file)];
        }
    }

    /// <summary>One line for systemd and people.</summary>
    public string Summary
    {
        get
        {
            lock (gate)
            {
                if (!leaseOk) return lease;
                var controllerPart = controllerMetrics.IsController ? ", this node is the route controller" : controller.Length > 0 ? $", route controller {controller}" : "";
                return $"subnet {subnet}, route: {route}{controllerPart}";
            }
        }
    }

    /// <summary>There is no lease (any more), and why.</summary>
    public void NoLease(string what)
    {
        lock (gate) (leaseOk, lease) = (false, what);
    }

    public void LeaseHeld(Ipv4Network held, DateTimeOffset? until, bool renewed)
    {
        lock (gate)
        {
            subnet = held;
            leaseUntil = until;
            if (renewed) renewals++;
            (leaseOk, lease) = (true, until is { } end ? $"{held} until {end:yyyy-MM-ddTHH:mm:ssZ}" : $"{held}, a reservation");
        }
    }

    public void Route(bool ok, RouteState? newState, string detail)
    {
        lock (gate) (routeOk, route, state) = (ok, detail, newState);
    }

    public void File(bool ok, string detail)
    {
        lock (gate) (fileOk, file) = (ok, detail);
    }

    public void Controller(string name)
    {
        lock (gate) controller = name;
    }

    public string Metrics()
    {
        lock (gate)
        {
            var text = new StringBuilder();
            Gauge(text, "flannel_build_info", "The version that runs.", 1, $"{{version=\"{ProgramVersion.Text}\"}}");
            Gauge(text, "flannel_ready", "1 when the lease is held, the route available and the subnet file written.", leaseOk && routeOk && fileOk ? 1 : 0);
            Gauge(text, "flannel_lease_held", "1 while this node holds its subnet.", leaseOk ? 1 : 0);
            if (leaseUntil is { } until)
                Gauge(text, "flannel_lease_expiry_timestamp_seconds", "When the lease ends unless it is renewed.", until.ToUnixTimeMilliseconds() / 1000.0);
            text.Append("# HELP flannel_lease_renewals_total Renewals of the lease that succeeded.\n# TYPE flannel_lease_renewals_total counter\n")
                .Append(CultureInfo.InvariantCulture, $"flannel_lease_renewals_total {renewals}\n");
            text.Append("# HELP flannel_route_state The state of this node's route: 1 for the one it is in.\n# TYPE flannel_route_state gauge\n");
            foreach (var each in Enum.GetValues<RouteState>())
                text.Append(CultureInfo.InvariantCulture, $"flannel_route_state{{state=\"{each}\"}} {(each == state ? 1 : 0)}\n");
            Gauge(text, "flannel_route_controller", "1 while this node writes the routes of all nodes.", controllerMetrics.IsController ? 1 : 0);
            text.Append(controllerMetrics.Compose());
            Gauge(text, "process_start_time_seconds", "Start of the process, Unix time.", started.ToUnixTimeMilliseconds() / 1000.0);
            Gauge(text, "process_resident_memory_bytes", "Resident memory.", Environment.WorkingSet);
            return text.ToString();
        }
    }

    /// <summary>One gauge with its heading, in the text format.</summary>
    public static void Gauge(StringBuilder text, string name, string help, double value, string labels = "") =>
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} gauge\n{name}{labels} {value}\n");
}
