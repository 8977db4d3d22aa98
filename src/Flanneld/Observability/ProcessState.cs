using System.Globalization;
using Flanneld.Options;

namespace Flanneld.Observability;

/// <summary>The process itself, for <see cref="StateDump"/>.</summary>
internal static class ProcessState
{
    private const long BytesPerMebibyte = 1 << 20;

    public static string Describe(DaemonOptions options, TimeSpan running) => string.Create(
        CultureInfo.InvariantCulture,
        $"flanneld {ProgramVersion.Text}, process {Environment.ProcessId}, running for {running:d\\.hh\\:mm\\:ss},"
        + $" {DescribeStore(options)},"
        + $" memory {Environment.WorkingSet / BytesPerMebibyte} MiB resident"
        + $" and {GC.GetTotalMemory(forceFullCollection: false) / BytesPerMebibyte} MiB managed,"
        + $" threads {ThreadPool.ThreadCount}");

    private static string DescribeStore(DaemonOptions options) => options.IsKubeSubnetManager
        ? $"Kubernetes API by {options.DescribeKubeAccess()}"
        : $"etcd {options.EtcdEndpoints} prefix {options.EtcdKeys.Prefix}";
}
