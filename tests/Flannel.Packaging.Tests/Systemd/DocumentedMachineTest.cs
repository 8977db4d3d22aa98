using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>The base of tests that run the code blocks of a page in a machine.</summary>
public abstract class DocumentedMachineTest : MachineTest
{
    /// <summary>Puts the deb under its own name where the commands of the pages look for it, and lets the service use the simulated
    /// API.</summary>
    protected async Task PrepareAsync()
    {
        File.Copy(Packages.Deb, Path.Combine(PackageFolder, Path.GetFileName(Packages.Deb)));
        await OverrideAsync($"Environment=FLANNELD_VPC_ENDPOINT={VpcTopology.ApiEndpoint} FLANNELD_ECS_ENDPOINT={VpcTopology.ApiEndpoint}");
    }

    /// <summary>The blocks of a page with one of the kinds, in their order.</summary>
    protected static IReadOnlyList<MarkdownBlock> Blocks(string page, params string[] kinds) =>
        [.. MarkdownBlocks.Read(Path.Combine(Locations.Repository(), "docs", page)).Where(block => kinds.Contains(block.Kind))];

    /// <summary>Runs a block as an operator does who copied the package into the present folder. Every line must succeed.</summary>
    /// <param name="endpoint">The etcd in place of that of the page; null for none.</param>
    protected Task<string> RunAsync(MarkdownBlock block, string? endpoint = null)
    {
        var text = block.Text.Replace("_amd64.deb", $"_{Packages.Architecture}.deb", StringComparison.Ordinal);
        if (endpoint is not null) text = text.Replace("http://192.168.1.11:2379", endpoint, StringComparison.Ordinal);
        return Machine.RunAsync($"set -e\ncd /packages\n{text}", Cancel);
    }
}
