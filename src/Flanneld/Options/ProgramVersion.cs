using System.Reflection;

namespace Flanneld.Options;

internal static class ProgramVersion
{
    /// <summary>The version that the build sets, such as 0.1.0 or 0.1.0+abc1234.</summary>
    public static string Text { get; } =
        typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0";
}
