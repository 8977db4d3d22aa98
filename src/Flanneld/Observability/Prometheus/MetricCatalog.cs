namespace Flanneld.Observability.Prometheus;

/// <summary>Every metric of <c>/metrics</c>, in the order of docs/reference/metrics.md, whose tables a test compares with this
/// list.</summary>
internal static class MetricCatalog
{
    private static readonly List<MetricFamily> Families = [];
    private static readonly Section Node = new(MetricSection.Node);
    private static readonly Section Etcd = new(MetricSection.Etcd);
    private static readonly Section Kubernetes = new(MetricSection.Kubernetes);
    private static readonly Section Cloud = new(MetricSection.Cloud);
    private static readonly Section Controller = new(MetricSection.Controller);
    private static readonly Section Process = new(MetricSection.Process);

    // The buckets reach from a response within the network to the time limit of a request.
    private static readonly double[] EtcdBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
    private static readonly double[] CloudBounds = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];
    private static readonly double[] ReconcileBounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    public static IReadOnlyList<MetricFamily> All => Families;

    // --- the node ---

    public static readonly MetricFamily Ready = Node.DefineGauge("flannel_ready", "1 while the node is ready");

    public static readonly MetricFamily ReadyCheck = Node.DefineGauge(
        "flannel_ready_check", "1 while this check of /readyz is successful", "check");

    public static readonly MetricFamily LeaseHeld = Node.DefineGauge("flannel_lease_held", "1 while the node holds its subnet");

    public static readonly MetricFamily LeaseExpiry = Node.DefineGauge(
        "flannel_lease_expiry_timestamp_seconds",
        "When the lease expires unless it is renewed; absent for a reservation and without a lease");

    public static readonly MetricFamily LeaseRenewals = Node.DefineCounter(
        "flannel_lease_renewals_total", "Successful renewals of the lease");

    public static readonly MetricFamily LeaseRenewalFailures = Node.DefineCounter(
        "flannel_lease_renewal_failures_total", "Failed renewals of the lease; each is retried");

    public static readonly MetricFamily RouteState = Node.DefineGauge(
        "flannel_route_state", "1 for the present route status of the node; absent where the backend requires no route", "state");

    public static readonly MetricFamily Ipv6RouteState = Node.DefineGauge(
        "flannel_ipv6_route_state", "1 for the present status of the route of the node's IPv6 subnet; absent without one", "state");

    public static readonly MetricFamily RouteFallback = Node.DefineGauge(
        "flannel_route_fallback",
        "1 while the node is reached through the tunnel, because its route cannot be created; absent without Fallback");

    public static readonly MetricFamily TunnelPeers = Node.DefineGauge(
        "flannel_tunnel_peers", "Other nodes that are reached through the VXLAN tunnel; absent without one");

    public static readonly MetricFamily ConfigRevision = Node.DefineGauge(
        "flannel_config_revision",
        "The revision in etcd of the network configuration that was read last; with Kubernetes, how often the file has changed");

    public static readonly MetricFamily ConfigChanged = Node.DefineGauge(
        "flannel_config_changed", "1 while the network configuration differs from the one that the node uses until it restarts");

    public static readonly MetricFamily HostRepairs = Node.DefineCounter(
        "flannel_host_repairs_total", "Restorations of what another program changed on the host", "part");

    public static readonly MetricFamily KernelSettingsChanged = Node.DefineCounter(
        "flannel_kernel_settings_changed_total", "Kernel settings that --set-sysctls changed");

    // --- etcd ---

    public static readonly MetricFamily EtcdRequests = Etcd.DefineCounter(
        "flannel_etcd_requests_total", "Requests to members of etcd, by gRPC status", "operation", "code");

    public static readonly MetricFamily EtcdRequestDuration = Etcd.DefineHistogram(
        "flannel_etcd_request_duration_seconds", "Duration of the requests to members of etcd", EtcdBounds, "operation");

    public static readonly MetricFamily EtcdWatchRestarts = Etcd.DefineCounter(
        "flannel_etcd_watch_restarts_total", "Open watches that broke and were started again");

    // --- Kubernetes ---

    public static readonly MetricFamily KubeRequests = Kubernetes.DefineCounter(
        "flannel_kubernetes_requests_total",
        "Requests to the Kubernetes API, by HTTP status; unavailable without a response", "verb", "resource", "code");

    public static readonly MetricFamily KubeRequestDuration = Kubernetes.DefineHistogram(
        "flannel_kubernetes_request_duration_seconds", "Duration of the requests to the Kubernetes API", EtcdBounds, "verb", "resource");

    public static readonly MetricFamily KubeWatchRestarts = Kubernetes.DefineCounter(
        "flannel_kubernetes_watch_restarts_total", "Open watches that broke or expired and were started again");

    // --- the cloud ---

    public static readonly MetricFamily CloudRequests = Cloud.DefineCounter(
        "flannel_cloud_requests_total", "Requests to the API, by error code; OK after success", "service", "action", "code");

    public static readonly MetricFamily CloudRequestDuration = Cloud.DefineHistogram(
        "flannel_cloud_request_duration_seconds", "Duration of the requests to the API", CloudBounds, "service", "action");

    public static readonly MetricFamily CloudThrottled = Cloud.DefineCounter(
        "flannel_cloud_requests_throttled_total", "Requests that the API rejected because of a rate limit", "service", "action");

    public static readonly MetricFamily CloudRetries = Cloud.DefineCounter(
        "flannel_cloud_request_retries_total",
        "Requests that were repeated at once, with other credentials, another nonce or the time of the cloud", "service", "action");

    public static readonly MetricFamily CloudClockOffset = Cloud.DefineGauge(
        "flannel_cloud_clock_offset_seconds",
        "How far the clock of the cloud is ahead of that of the node; absent before the first response");

    public static readonly MetricFamily MetadataRequests = Cloud.DefineCounter(
        "flannel_metadata_requests_total", "Requests to the metadata service, by HTTP status; unavailable without a response", "code");

    public static readonly MetricFamily CredentialRefreshes = Cloud.DefineCounter(
        "flannel_credential_refreshes_total", "Fetches of credentials: success, failure, or missing without a provider", "result");

    public static readonly MetricFamily CredentialExpiry = Cloud.DefineGauge(
        "flannel_credential_expiry_timestamp_seconds",
        "When the present temporary key expires; absent for a key that does not expire and without a key");

    // --- the route controller ---

    public static readonly MetricFamily RouteController = Controller.DefineGauge(
        "flannel_route_controller", "1 while the node is the route controller");

    public static readonly MetricFamily TermStart = Controller.DefineGauge(
        "flannel_route_controller_term_start_timestamp_seconds", "When the present term began");

    public static readonly MetricFamily ElectionEvents = Controller.DefineCounter(
        "flannel_election_events_total", "Elections won, terms lost, and terms that the node ended itself", "event");

    public static readonly MetricFamily Routes = Controller.DefineGauge("flannel_routes", "Nodes by their route status", "state");

    public static readonly MetricFamily Ipv6Routes = Controller.DefineGauge(
        "flannel_ipv6_routes", "Nodes by the status of the route of their IPv6 subnet; absent without one", "state");

    public static readonly MetricFamily Subnets = Controller.DefineGauge(
        "flannel_subnets", "IPv4 subnets in the range of the network configuration");

    public static readonly MetricFamily SubnetsLeased = Controller.DefineGauge("flannel_subnets_leased", "Leases of subnets");

    public static readonly MetricFamily SubnetsFree = Controller.DefineGauge(
        "flannel_subnets_free", "IPv4 subnets that a new node can lease");

    public static readonly MetricFamily UnmanagedRoutes = Controller.DefineGauge(
        "flannel_unmanaged_routes", "Entries inside the network that carry no mark and match no lease");

    public static readonly MetricFamily OtherClusterRoutes = Controller.DefineGauge(
        "flannel_other_cluster_routes", "Entries inside the network that carry the mark of another cluster");

    public static readonly MetricFamily ConflictingRoutes = Controller.DefineGauge(
        "flannel_conflicting_routes",
        "Entries of others that occupy the destination of a route, take a part of its traffic (narrower) or contain it (wider)", "kind");

    public static readonly MetricFamily DeletionsHeld = Controller.DefineGauge(
        "flannel_route_deletions_held", "Stale routes whose deletion is held because many became stale at once");

    public static readonly MetricFamily TableEntries = Controller.DefineGauge(
        "flannel_route_table_entries", "Custom entries of a route table", "table", "vpc");

    public static readonly MetricFamily TableEntriesLimit = Controller.DefineGauge(
        "flannel_route_table_entries_limit", "Custom entries that a route table can hold, as far as known", "table", "vpc");

    public static readonly MetricFamily LastReconcile = Controller.DefineGauge(
        "flannel_last_successful_reconcile_timestamp_seconds", "When the route tables were last as desired");

    public static readonly MetricFamily ReconcilePasses = Controller.DefineCounter(
        "flannel_reconcile_passes_total", "Passes of the route controller", "result");

    public static readonly MetricFamily ReconcileDuration = Controller.DefineHistogram(
        "flannel_reconcile_duration_seconds", "Duration of the passes of the route controller", ReconcileBounds);

    public static readonly MetricFamily RouteWrites = Controller.DefineCounter(
        "flannel_route_writes_total", "Routes written, by kind", "kind");

    public static readonly MetricFamily RouteRepairs = Controller.DefineCounter(
        "flannel_route_repairs_total", "Routes that were in place, were lost or changed, and were restored");

    public static readonly MetricFamily RouteWriteCalls = Controller.DefineCounter(
        "flannel_route_write_calls_total", "Writing calls to the VPC API", "result");

    // --- the process ---

    public static readonly MetricFamily BuildInfo = Process.DefineGauge(
        "flannel_build_info", "1, with the version, the commit of the sources and the .NET runtime", "version", "commit", "runtime");

    public static readonly MetricFamily LogMessages = Process.DefineCounter(
        "flannel_log_messages_total", "Messages of the log by level, also those that the log only counts as repeated", "level");

    public static readonly MetricFamily ProcessCpu = Process.DefineCounter(
        "process_cpu_seconds_total", "CPU time in user and kernel mode");

    public static readonly MetricFamily ProcessResidentMemory = Process.DefineGauge("process_resident_memory_bytes", "Resident memory");

    public static readonly MetricFamily ProcessVirtualMemory = Process.DefineGauge("process_virtual_memory_bytes", "Virtual memory");

    public static readonly MetricFamily ProcessOpenFiles = Process.DefineGauge("process_open_fds", "Open file descriptors");

    public static readonly MetricFamily ProcessMaxFiles = Process.DefineGauge(
        "process_max_fds", "Limit of open file descriptors; absent without a limit");

    public static readonly MetricFamily ProcessThreads = Process.DefineGauge("process_threads", "Threads");

    public static readonly MetricFamily ProcessStart = Process.DefineGauge("process_start_time_seconds", "Start of the process");

    public static readonly MetricFamily HeapBytes = Process.DefineGauge(
        "dotnet_total_memory_bytes", "Memory of objects on the heap of .NET");

    public static readonly MetricFamily Collections = Process.DefineCounter(
        "dotnet_collection_count_total", "Garbage collections of .NET", "generation");

    /// <summary>Defines the families of one section.</summary>
    private sealed class Section(MetricSection section)
    {
        public MetricFamily DefineGauge(string name, string help, params string[] labels) =>
            Add(new MetricFamily(section, MetricType.Gauge, name, help, labels));

        public MetricFamily DefineCounter(string name, string help, params string[] labels) =>
            Add(new MetricFamily(section, MetricType.Counter, name, help, labels));

        public MetricFamily DefineHistogram(string name, string help, double[] bounds, params string[] labels) =>
            Add(new MetricFamily(section, MetricType.Histogram, name, help, labels) { Bounds = bounds });

        private static MetricFamily Add(MetricFamily family)
        {
            Families.Add(family);
            return family;
        }
    }
}
