using System.Text.Json.Nodes;
using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.EndToEnd.Tests.Kubernetes;

/// <summary>The commands with <c>--kube-subnet-mgr</c>, with the account of the daemon.</summary>
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class CommandTests(KubeClusterPool pool) : KubernetesTest(pool)
{
    private const string Released = "is released: the node has no route, and keeps its podCIDR until it is deleted\n";

    [Fact]
    public async Task Release_deletes_annotations_and_route_and_the_next_start_acquires_the_same_subnet()
    {
        var nodes = await Task.WhenAll(StartReadyAsync(0, QuickResync), StartReadyAsync(1, NeverController));
        var kept = await WaitForRouteAsync(SubnetOf(0), 0);
        Assert.Equal(0, await nodes[1].StopAsync(Cancel));

        var first = await Vpc.Instances[1].RunCommandAsync("release", Cancel);

        Assert.True(first.ExitCode == 0, first.Error);
        var controller = Vpc.Instances[0].InstanceId;
        var wait = $"waiting up to 60 s until the route of {SubnetOf(1)} is deleted by the route controller {controller}\n";
        Assert.Equal($"{wait}{SubnetOf(1)} {Released}", first.Output);
        Assert.Null(await RouteAsync(SubnetOf(1)));
        Assert.Equal(kept, await RouteAsync(SubnetOf(0)));
        Assert.False(File.Exists(Vpc.Instances[1].SubnetFile));
        foreach (var annotation in (string[])["kube-subnet-manager", "backend-type", "backend-data", "public-ip"])
            Assert.Null(await AnnotationAsync(1, annotation));
        // Kubernetes schedules no pods on it.
        await WaitForConditionAsync(1, "True NoRouteCreated");
        var again = await Vpc.Instances[1].RunCommandAsync("release", Cancel);
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("nothing to release", again.Output, StringComparison.Ordinal);

        await StartAgainAsync(1, NeverController);
        await WaitForRouteAsync(SubnetOf(1), 1);
        await WaitForConditionAsync(1, FlannelIsUp);
    }

    [Fact]
    public async Task Release_without_a_route_controller_names_the_route_which_the_next_one_deletes()
    {
        var daemon = await StartReadyAsync(0);
        Assert.Equal(0, await daemon.StopAsync(Cancel));

        var result = await Vpc.Instances[0].RunCommandAsync("release", Cancel, "--wait=1");

        Assert.Equal(1, result.ExitCode);
        Assert.Equal(
            $"waiting up to 1 s until the route of {SubnetOf(0)} is deleted by a route controller: none is elected now\n"
            + $"{SubnetOf(0)} is marked as released: the next route controller deletes its route\n", result.Output);
        var left = $"the route of {SubnetOf(0)} may still exist after 1 s (no route controller is elected)";
        Assert.Contains(left, result.Error, StringComparison.Ordinal);
        Assert.Contains("\"Released\":true", await AnnotationAsync(0, "backend-data"), StringComparison.Ordinal);
        Assert.NotNull(await RouteAsync(SubnetOf(0)));
        Assert.False(File.Exists(Vpc.Instances[0].SubnetFile));

        await StartReadyAsync(1, QuickResync);
        await WaitForNoRouteAsync(SubnetOf(0));
        var again = await Vpc.Instances[0].RunCommandAsync("release", Cancel);
        Assert.True(again.ExitCode == 0, again.Error);
        Assert.Null(await AnnotationAsync(0, "kube-subnet-manager"));
    }

    [Fact]
    public async Task Check_finds_the_routes_and_the_condition_of_a_cloud_controller_manager()
    {
        for (var instance = 0; instance < 2; instance++)
        {
            await Admin.CreateNodeAsync(LeasedNode(instance), Cancel);
            // Without name and description, as cloud-provider-alibaba-cloud creates it.
            await Vpc.Control.CreateRouteAsync(SubnetOf(instance), Vpc.Instances[instance].InstanceId, Cancel);
        }
        await WriteConditionOfCcmAsync(0);

        var found = CheckOf(await CheckAsync(0), "cloud-controller-manager");
        Assert.Equal(
            ("warning", "2 routes to podCIDRs of nodes without the mark of this program"), (Text(found, "state"), Text(found, "detail")));
        Assert.StartsWith(
            "start the cloud controller manager with --configure-cloud-routes=false", Text(found, "advice"), StringComparison.Ordinal);
        var lines = found["lines"]!.AsArray().Select(line => (string)line!);
        Assert.Equal(
            Enumerable.Range(0, 2).Select(instance =>
                $"{SubnetOf(instance)} to {Vpc.Instances[instance].InstanceId} in {CloudSetup.RouteTableId}"), lines);

        await StartAgainAsync(0, QuickResync);
        await Eventually.IsAsync(
            "the routes are marked",
            async () => (await Vpc.Control.CustomRoutesAsync(Cancel)).All(
                entry => entry.RouteEntryName is { } mark && mark.StartsWith("flannel-", StringComparison.Ordinal)),
            Cancel, LongLimit, DescribeDaemons);
        var report = await CheckAsync(0);
        Assert.Equal("ok", Text(CheckOf(report, "cloud-controller-manager"), "state"));
        // The node does not overwrite it.
        var condition = CheckOf(report, "node-condition");
        Assert.Equal("warning", Text(condition, "state"));
        Assert.EndsWith("; a cloud controller manager wrote it", Text(condition, "detail"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_names_missing_verbs_a_missing_podCIDR_and_an_unavailable_API_server()
    {
        await Cluster.CreateNodeAsync(0, Cancel, SubnetOf(0));
        var complete = await CheckAsync(0);
        Assert.Equal("9 of 9 verbs are allowed", Text(CheckOf(complete, "rbac"), "detail"));
        foreach (var id in (string[])["kubernetes", "rbac", "pod-cidr"])
            Assert.Equal((id, "ok"), (id, Text(CheckOf(complete, id), "state")));

        await Cluster.DenyAsync("nodes", "watch", Cancel);
        await Cluster.DenyInNamespaceAsync("default/flanneld-events", "events", "create", Cancel);
        await Cluster.CreateNodeAsync(1, Cancel);
        await Task.Delay(TimeSpan.FromSeconds(1), Cancel);
        var denied = await CheckAsync(1);
        var rbac = CheckOf(denied, "rbac");
        Assert.Equal("problem", Text(rbac, "state"));
        Assert.Equal(
            [
                "missing: ClusterRole: apiGroups [\"\"], resources [nodes], verbs [watch]",
                "missing: Role in namespace default: apiGroups [\"\"], resources [events], verbs [create];"
                + " without it no Event says why a node has no route",
            ], rbac["lines"]!.AsArray().Select(line => (string)line!));
        Assert.Equal("problem", Text(CheckOf(denied, "pod-cidr"), "state"));

        var away = await CheckAsync(0, $"--kube-api-url=https://{VpcTopology.EtcdAddress}:6444");
        Assert.Equal("problem", Text(CheckOf(away, "kubernetes"), "state"));
        Assert.Contains("connection refused", Text(CheckOf(away, "kubernetes"), "detail"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_leases_and_routes_show_the_nodes()
    {
        var health = $"--healthz-port={EcsInstance.HealthPort}";
        await Task.WhenAll(StartReadyAsync(0, QuickResync), StartReadyAsync(1, NeverController, health));
        await WaitForConditionAsync(1, FlannelIsUp);

        foreach (var command in (string[])["leases", "routes"])
        {
            var result = await Vpc.Instances[1].RunCommandAsync(command, Cancel);
            Assert.True(result.ExitCode == 0, result.Error);
            for (var instance = 0; instance < 2; instance++)
            {
                Assert.Contains(result.Output.Split('\n'), line => line.Contains(SubnetOf(instance), StringComparison.Ordinal)
                    && line.Contains(Vpc.Instances[instance].InstanceId, StringComparison.Ordinal));
            }
        }

        var status = await Vpc.Instances[1].RunCommandAsync("status", Cancel, health);
        Assert.True(status.ExitCode == 0, status.Error);
        Assert.Contains(SubnetOf(1), status.Output, StringComparison.Ordinal);
        Assert.Contains($"{Vpc.Instances[0].InstanceId} ({Vpc.Instances[0].PublicIp})", status.Output, StringComparison.Ordinal);
    }

    /// <summary>Runs check with JSON as output.</summary>
    private async Task<JsonObject> CheckAsync(int instance, params string[] more)
    {
        var result = await Vpc.Instances[instance].RunCommandAsync(
            "check", Cancel, ["--output=json", $"--quotas-endpoint={VpcTopology.ApiEndpoint}", .. more]);
        var report = JsonNode.Parse(result.Output)!.AsObject();
        Assert.Equal((int)report["problems"]! > 0 ? 1 : 0, result.ExitCode);
        return report;
    }

    private static JsonObject CheckOf(JsonObject report, string id) =>
        Assert.Single(report["checks"]!.AsArray().Select(check => check!.AsObject()), check => Text(check, "id") == id);

    private static string Text(JsonObject check, string name) => (string)check[name]!;

    /// <summary>The condition of Kubernetes' route controller (cloud-provider <c>route_controller.go</c>).</summary>
    private async Task WriteConditionOfCcmAsync(int instance)
    {
        var patch = new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["conditions"] = new JsonArray(new JsonObject
                {
                    ["type"] = "NetworkUnavailable",
                    ["status"] = "False",
                    ["reason"] = "RouteCreated",
                    ["message"] = "RouteController created a route",
                }),
            },
        };
        (await Admin.Client.PatchAsync($"/api/v1/nodes/{Cluster.NameOf(instance)}/status", patch, Cancel)).EnsureSuccess();
    }
}
