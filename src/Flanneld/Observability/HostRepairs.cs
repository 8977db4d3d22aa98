using Flanneld.Observability.Prometheus;

namespace Flanneld.Observability;

/// <summary>Counts what this program restored or set on the host. Thread-safe.</summary>
internal sealed class HostRepairs
{
    /// <summary><c>subnet.env</c>: content, mode or existence.</summary>
    public Counter SubnetFile { get; } = new();

    public Counter Masquerade { get; } = new();

    public Counter Forwarding { get; } = new();

    /// <summary>The VXLAN device or its entries.</summary>
    public Counter Tunnel { get; } = new();

    public Counter KernelSettings { get; } = new();

    public void AppendTo(MetricText text)
    {
        text.Add(MetricCatalog.HostRepairs, SubnetFile.Value, "subnet-file");
        text.Add(MetricCatalog.HostRepairs, Masquerade.Value, "masquerade");
        text.Add(MetricCatalog.HostRepairs, Forwarding.Value, "forwarding");
        text.Add(MetricCatalog.HostRepairs, Tunnel.Value, "tunnel");
        text.Add(MetricCatalog.KernelSettingsChanged, KernelSettings.Value);
    }
}
