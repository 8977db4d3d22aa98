using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flanneld.Tests.EndToEnd;

/// <summary>A secret is in no output, no lease and no status, however it came and however much is logged.</summary>
public sealed class SecretTests : EndToEndTest
{
    private const string EtcdPassword = $"Etcd{SecretWatch.Mark}77";

    [Theory]
    [InlineData("environment")]
    [InlineData("old environment")]
    [InlineData("file")]
    [InlineData("config")]
    [InlineData("role")]
    public async Task A_secret_is_never_printed(string way)
    {
        await StartVpcAsync(1, new World { Instances = World.MakeInstances(1), HasRole = way == "role" }, publishConfig: false);
        var instance = Vpc.Instances[0];
        await Vpc.PublishConfigAsync(Cancel, way == "config"
            ? $$"""{ "Network": "10.24.0.0/16", "Backend": { "Type": "ali-vpc", "AccessKeyID": "{{World.AccessKeyId}}", "AccessKeySecret": "{{World.AccessKeySecret}}" } }"""
            : TestVpc.Config);
        var health = instance.FreePort();
        var daemon = await instance.StartDaemonAsync([.. await ArgumentsAsync(way, instance), "-v=10", "--healthz-ip=127.0.0.1", $"--healthz-port={health}"], EnvironmentOf(way));
        await daemon.WaitForReadyAsync(Cancel);
        using var http = instance.CreateHttpClient(health);
        var pages = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancel) + await http.GetStringAsync(new Uri("/readyz?verbose", UriKind.Relative), Cancel);
        var leases = string.Join('\n', (await Vpc.Etcd.Keys.ListAsync($"{TestVpc.Prefix}/", Cancel)).Where(key => !key.Key.EndsWith("/config", StringComparison.Ordinal)).Select(key => key.Value));
        await daemon.StopAsync(Cancel);

        foreach (var secret in await SecretsAsync(way, instance))
        {
            Assert.DoesNotContain(secret, daemon.Everything, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, pages, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, leases, StringComparison.Ordinal);
        }
        Assert.Contains(await Vpc.Control.ApiCallsAsync(Cancel), call => call.Action == "CreateRouteEntries" || call.Action == "CreateRouteEntry");
    }

    [Fact]
    public async Task Nor_is_one_that_the_cloud_refuses()
    {
        await StartVpcAsync(1, new World { Instances = World.MakeInstances(1), HasRole = false });
        const string wrong = $"Wrong{SecretWatch.Mark}88xxxx";
        var daemon = await Vpc.Instances[0].StartDaemonAsync(["-v=10"], new Dictionary<string, string>
        {
            ["ALIBABA_CLOUD_ACCESS_KEY_ID"] = World.AccessKeyId,
            ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = wrong,
        });
        await daemon.WaitForLogAsync("SignatureDoesNotMatch", Cancel);
        await daemon.StopAsync(Cancel);
        Assert.DoesNotContain(wrong, daemon.Everything, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nor_is_etcds_password()
    {
        Needs.NativeExecutable();
        foreach (var arguments in new string[][] { ["--etcd-password", EtcdPassword], [$"--etcd-password={EtcdPassword}", "--no-such-flag"], ["--etcd-username", $"u:{EtcdPassword}", "--healthz-port=x"] })
        {
            await using var daemon = await ChildProcess.StartAsync(new ProgramStart(Locations.Flanneld,
                ["--etcd-endpoints=http://127.0.0.1:1", "--metadata-endpoint=http://127.0.0.1:1", "-v=10", .. arguments])
            { Environment = new Dictionary<string, string>() });
            await Eventually.IsAsync("it says something", () => Task.FromResult(daemon.HasExited || daemon.StandardError.Contains('\n', StringComparison.Ordinal)), Cancel);
            daemon.Terminate();
            await daemon.WaitForExitAsync(Cancel);
            Assert.DoesNotContain(EtcdPassword, daemon.StandardOutput + daemon.StandardError, StringComparison.Ordinal);
        }
    }

    private static Dictionary<string, string>? EnvironmentOf(string way) => way switch
    {
        "environment" => new() { ["ALIBABA_CLOUD_ACCESS_KEY_ID"] = World.AccessKeyId, ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = World.AccessKeySecret },
        "old environment" => new() { ["ACCESS_KEY_ID"] = World.AccessKeyId, ["ACCESS_KEY_SECRET"] = World.AccessKeySecret },
        _ => null,
    };

    private static async Task<string[]> ArgumentsAsync(string way, EcsInstance instance)
    {
        if (way != "file")
        {
            return [];
        }
        var file = Path.Combine(instance.Folder, "access-key.json");
        await File.WriteAllTextAsync(file, $$"""{"AccessKeyId":"{{World.AccessKeyId}}","AccessKeySecret":"{{World.AccessKeySecret}}"}""", Cancel);
        return [$"--access-key-file={file}"];
    }

    private static async Task<IReadOnlyList<string>> SecretsAsync(string way, EcsInstance instance)
    {
        if (way != "role")
        {
            return [World.AccessKeySecret];
        }
        var (address, client) = instance.Namespace is { } ns
            ? ($"http://{VpcTopology.MetadataAddress}", ns.CreateHttpClient(new Uri($"http://{VpcTopology.MetadataAddress}")))
            : (instance.Arguments.Single(argument => argument.StartsWith("--metadata-endpoint=", StringComparison.Ordinal))["--metadata-endpoint=".Length..], new HttpClient());
        using (client)
        {
            var credentials = JsonNode.Parse(await client.GetStringAsync(new Uri($"{address}/latest/meta-data/ram/security-credentials/{World.RoleName}"), Cancel))!;
            return [credentials["AccessKeySecret"]!.GetValue<string>(), credentials["SecurityToken"]!.GetValue<string>()];
        }
    }
}
