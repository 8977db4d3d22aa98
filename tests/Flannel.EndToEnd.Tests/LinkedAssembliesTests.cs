using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>docs/reference/linked.md lists every assembly that is linked into the executable, with a reason.</summary>
public sealed partial class LinkedAssembliesTests
{
    [Fact]
    public async Task Every_linked_assembly_is_listed_with_a_reason()
    {
        Require.NativeExecutable();
        var page = await File.ReadAllTextAsync(
            Path.Combine(Locations.Repository(), "docs", "reference", "linked.md"), TestContext.Current.CancellationToken);
        var listed = Row().Matches(page).ToDictionary(row => row.Groups["name"].Value, row => row.Groups["reason"].Value.Trim());
        Assert.All(listed, row => Assert.True(row.Value.Length > 5, $"{row.Key} has no reason"));
        Assert.Equal(LinkedAssemblies().Order(StringComparer.Ordinal), listed.Keys.Order(StringComparer.Ordinal));
    }

    /// <summary>The native compiler describes what it compiled as an assembly that refers to the assemblies with compiled code.</summary>
    private static IReadOnlyList<string> LinkedAssemblies()
    {
        using var stream = File.OpenRead(Path.ChangeExtension(Locations.Flanneld, ".mstat"));
        using var file = new PEReader(stream);
        var metadata = file.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name)).Distinct()];
    }

    [GeneratedRegex(@"^\| `(?<name>[\w.-]+)` \| [^|]+ \|(?<reason>[^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
