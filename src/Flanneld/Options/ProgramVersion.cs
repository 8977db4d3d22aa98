using System.Reflection;

namespace Flanneld.Options;

internal static class ProgramVersion
{
    private const string CommitKey = "Commit";
    private const string Unknown = "unknown";

    /// <summary>The version that the build sets, such as 0.1.0 or 0.1.0+abc1234.</summary>
    public static string Text { get; } =
        typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0";

    /// <summary>The commit that last changed the sources of the executable, as <c>./build.sh publish</c> sets it; <c>unknown</c> for a
    /// build from changed sources or without git.</summary>
    public static string Commit { get; } = typeof(ProgramVersion).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .FirstOrDefault(attribute => attribute.Key == CommitKey)?.Value is { Length: > 0 } commit
            ? commit
            : Unknown;
}
