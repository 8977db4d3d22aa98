using Flannel.Core;
using Flannel.HostNetwork;
using Flanneld.Host.Interfaces;
using Flanneld.Observability.Prometheus;
using Microsoft.Extensions.Logging;

namespace Flanneld.Host;

/// <summary>The kernel settings that containers' traffic needs: reported at the start, and set with <c>--set-sysctls</c>.</summary>
/// <param name="changes">Counts the settings that were set.</param>
internal sealed class HostSettings(KernelSettings kernel, Counter changes, ILogger logger)
{
    /// <summary>Sets the settings, or logs that they must change.</summary>
    /// <param name="set">Whether <c>--set-sysctls</c> is given.</param>
    /// <returns>Fails if a setting must be set and cannot be.</returns>
    public Result<Unit> Apply(bool set, IReadOnlyList<SettingProblem> problems)
    {
        foreach (var problem in problems)
        {
            if (!set)
            {
                HostLog.KernelSetting(logger, problem);
                continue;
            }

            var written = kernel.Write(problem.Name, problem.Required);
            if (!written.Ok)
            {
                return Result.Failure(
                    $"--set-sysctls: cannot set {problem.Name} to {problem.Required}: {written.Error};"
                    + " see the example set-sysctls.conf, or omit --set-sysctls and use a file in /etc/sysctl.d");
            }

            changes.Increment();
            HostLog.KernelSettingSet(logger, problem.Name, problem.Required, problem.Value);
        }

        return Unit.Instance;
    }

    /// <summary>The settings of this host that must change in a dual-stack cluster.</summary>
    public static IReadOnlyList<SettingProblem> FindIpv6Problems(KernelSettings kernel, string interfaceName) =>
        ContainerSettings.FindIpv6Problems(kernel, interfaceName, DefaultRoute.IsAdvertised(interfaceName));

    public static IReadOnlyList<SettingProblem> FindProblems(KernelSettings kernel, SelectedInterface selected) =>
        ContainerSettings.FindProblems(kernel, selected.Interface.Name, DefaultRoute.OfThisHost() == selected.Interface.Name);
}
