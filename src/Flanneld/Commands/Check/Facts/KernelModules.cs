using Flanneld.Host;

namespace Flanneld.Commands.Check.Facts;

internal enum ModuleState
{
    /// <summary>Loaded, or built into the kernel.</summary>
    Present,

    /// <summary>The kernel loads it when it is needed.</summary>
    Loadable,
    Missing,

    /// <summary>There is no list of the kernel's modules, as in a container.</summary>
    Unknown,
}

/// <summary>The modules of the running kernel.</summary>
internal sealed class KernelModules(HostFiles files)
{
    /// <summary>The release of the running kernel; empty if it cannot be read.</summary>
    public string ReadRelease() => files.Read("/proc/sys/kernel/osrelease")?.Trim() ?? "";

    /// <param name="name">With underscores, as in <c>/sys/module</c>.</param>
    public ModuleState Find(string name)
    {
        if (files.Exists($"/sys/module/{name}")) return ModuleState.Present;
        var folder = $"/lib/modules/{ReadRelease()}";
        var (builtIn, loadable) = (files.Read($"{folder}/modules.builtin"), files.Read($"{folder}/modules.dep"));
        if (builtIn is null && loadable is null) return ModuleState.Unknown;
        if (Contains(builtIn, name)) return ModuleState.Present;
        return Contains(loadable, name) ? ModuleState.Loadable : ModuleState.Missing;
    }

    /// <summary>A file's name may have dashes.</summary>
    private static bool Contains(string? list, string name) =>
        list?.Replace('-', '_').Contains($"/{name}.ko", StringComparison.Ordinal) == true;
}
