using System.Text.Json.Nodes;
using Flannel.Packaging.Tests.Cloud.Provider;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>
/// The Terraform module, applied and destroyed by the real terraform with a provider that has the schemas of the real one:
/// <see cref="SimulatedProvider"/>.
/// </summary>
public sealed class TerraformApplyTests : IAsyncDisposable
{
    private static readonly string[] variables =
        ["-input=false", "-no-color", "-var=zone_id=z", "-var=repository=https://bucket.example.org/r"];

    private readonly RunFolder folder = new("terraform");
    private readonly SimulatedAliyun aliyun;
    private readonly SimulatedCloud cloud;
    private readonly SimulatedProvider provider;

    public TerraformApplyTests()
    {
        aliyun = new SimulatedAliyun(Path.Combine(folder.Path, "bin"));
        cloud = new SimulatedCloud(aliyun.Released);
        provider = new SimulatedProvider(cloud);
    }

    public async ValueTask DisposeAsync()
    {
        await provider.DisposeAsync();
        aliyun.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task The_module_is_valid_for_Terraform()
    {
        var terraform = await InitializeAsync();
        Assert.Contains("Success!", await terraform.RunAsync(["validate", "-no-color"]), StringComparison.Ordinal);
        // The schemas are in use.
        await File.AppendAllTextAsync(Path.Combine(folder.Path, "terraform", "outputs.tf"),
            "output \"x\" {\n  value = alicloud_instance.etcd.source_destination_check\n}\n", Cancel);
        Assert.Contains("source_destination_check", (await terraform.TryAsync(["validate", "-no-color"])).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_etcd_host_gets_its_address_and_nodes_are_released_before_they_are_deleted()
    {
        var terraform = await InitializeAsync();
        await terraform.RunAsync(["apply", "-auto-approve", "-var=nodes=2", .. variables]);

        // An automatic address would be that of the etcd host, if a node were created first.
        var instances = cloud.Events.Where(line => line.StartsWith("create alicloud_instance", StringComparison.Ordinal)).ToList();
        // Each id by the name of its instance.
        var ids = instances.ToDictionary(line => line.Split(' ')[2], line => line.Split(' ')[1]);
        Assert.Equal(["flannel-etcd", "flannel-node-1", "flannel-node-2"], ids.Keys.Order(StringComparer.Ordinal));
        Assert.EndsWith(" flannel-etcd", instances[0], StringComparison.Ordinal);
        var outputs = JsonNode.Parse(await terraform.RunAsync(["output", "-json"]))!;
        Assert.Equal(["192.168.1.11", "192.168.1.12", "192.168.1.13"],
            outputs["node_addresses"]!["value"]!.AsArray().Select(address => (string?)address).Order(StringComparer.Ordinal));
        Assert.Equal("192.168.1.11", (string?)outputs["node_addresses"]!["value"]![0]);
        Assert.Equal("http://192.168.1.11:2379", (string?)outputs["etcd_endpoint"]!["value"]);

        // A new image and changed user data change nothing. Exit code 0 means that.
        cloud.Image = "debian_12_2";
        await File.AppendAllTextAsync(Path.Combine(folder.Path, "cloud-init", "node.yaml"), "# changed\n", Cancel);
        await terraform.RunAsync(["plan", "-detailed-exitcode", "-var=nodes=2", .. variables]);

        await terraform.RunAsync(["apply", "-auto-approve", "-var=nodes=1", .. variables]);
        Assert.Equal([$"cn-test {ids["flannel-node-2"]}"], aliyun.Released());
        Assert.Contains($"delete {ids["flannel-node-2"]}", cloud.Events);

        await terraform.RunAsync(["destroy", "-auto-approve", "-var=nodes=1", .. variables]);
        Assert.Equal([$"cn-test {ids["flannel-node-1"]}", $"cn-test {ids["flannel-etcd"]}"], aliyun.Released().Skip(1));
        var deleted = cloud.Events.Where(line => line.StartsWith("delete ", StringComparison.Ordinal)).ToList();
        Assert.Equal(cloud.Events.Count(line => line.StartsWith("create ", StringComparison.Ordinal)), deleted.Count);
        Assert.True(deleted.IndexOf($"delete {ids["flannel-node-1"]}") < deleted.IndexOf($"delete {ids["flannel-etcd"]}"));
    }

    [Fact]
    public async Task A_replaced_node_is_released_first()
    {
        var terraform = await InitializeAsync();
        await terraform.RunAsync(["apply", "-auto-approve", "-var=nodes=1", .. variables]);
        await terraform.RunAsync(["apply", "-auto-approve", "-var=nodes=1", "-replace=alicloud_instance.node[0]", .. variables]);

        var node = cloud.Events.First(line => line.EndsWith(" flannel-node-1", StringComparison.Ordinal)).Split(' ')[1];
        Assert.Equal([$"cn-test {node}"], aliyun.Released());
        Assert.Equal(2, cloud.Events.Count(line => line.EndsWith(" flannel-node-1", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_instance_that_is_not_released_stays_with_the_reason()
    {
        var terraform = await InitializeAsync();
        await terraform.RunAsync(["apply", "-auto-approve", "-var=nodes=1", .. variables]);
        aliyun.Result("Failed", "no route controller");

        var destroyed = await terraform.TryAsync(["destroy", "-auto-approve", "-var=nodes=1", .. variables]);

        Assert.NotEqual(0, destroyed.ExitCode);
        Assert.Contains("not released: command t-1 is Failed", destroyed.Output + destroyed.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(cloud.Events, line => line.StartsWith("delete alicloud_instance", StringComparison.Ordinal));
    }

    private async Task<Terraform> InitializeAsync()
    {
        foreach (var name in new[] { "terraform", "cloud-init", "ram" })
        {
            Directory.CreateDirectory(Path.Combine(folder.Path, name));
            foreach (var file in Directory.GetFiles(Templates.PathOf(name)))
            {
                File.Copy(file, Path.Combine(folder.Path, name, Path.GetFileName(file)));
            }
        }
        var terraform = Terraform.Require(Path.Combine(folder.Path, "terraform"),
            new NamedValue("TF_REATTACH_PROVIDERS", await provider.StartAsync(Cancel)),
            new NamedValue("PATH", aliyun.SearchPath),
            new NamedValue("FLANNEL_RELEASE_POLL", "0"));
        await terraform.RunAsync(["init", "-input=false", "-no-color"]);
        return terraform;
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
