using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.Hosts.Tests;

/// <summary>What a container runtime does with a conflist: it runs the plugins in their order for ADD, each with the result of the one
/// before, and in reverse order for DEL (https://www.cni.dev/docs/spec/).</summary>
internal sealed class CniRuntime(HostMachine machine, JsonObject conflist)
{
    public const string PluginFolder = "/opt/cni/bin";

    /// <summary>The result of the last plugin.</summary>
    /// <param name="id">The container and its network namespace in the machine.</param>
    /// <param name="hostPort">Published as <see cref="Workload.PublishedPort"/> of the container.</param>
    public async Task<JsonNode> AddAsync(string id, int hostPort, CancellationToken cancel)
    {
        JsonNode? result = null;
        foreach (var plugin in Plugins(hostPort))
        {
            result = JsonNode.Parse(await RunAsync("ADD", id, plugin, result, cancel));
        }
        return result!;
    }

    public async Task DeleteAsync(string id, int hostPort, JsonNode added, CancellationToken cancel)
    {
        foreach (var plugin in Plugins(hostPort).Reverse())
        {
            await RunAsync("DEL", id, plugin, added, cancel);
        }
    }

    /// <summary>The configuration of each plugin, with the capabilities that it has.</summary>
    private IEnumerable<JsonObject> Plugins(int hostPort)
    {
        foreach (var plugin in conflist["plugins"]!.AsArray())
        {
            var config = plugin!.DeepClone().AsObject();
            config["name"] = conflist["name"]!.GetValue<string>();
            config["cniVersion"] = conflist["cniVersion"]!.GetValue<string>();
            if (config["capabilities"]?["portMappings"] is not null)
            {
                var mapping = new JsonObject { ["hostPort"] = hostPort, ["containerPort"] = Workload.PublishedPort, ["protocol"] = "tcp" };
                config["runtimeConfig"] = new JsonObject { ["portMappings"] = new JsonArray(mapping) };
            }
            yield return config;
        }
    }

    private async Task<string> RunAsync(string command, string id, JsonObject plugin, JsonNode? previous, CancellationToken cancel)
    {
        if (previous is not null)
        {
            plugin["prevResult"] = previous.DeepClone();
        }
        var type = plugin["type"]!.GetValue<string>();
        var result = await machine.RunWithInputAsync(plugin.ToJsonString(),
            [
                "/usr/bin/env", $"CNI_COMMAND={command}", $"CNI_CONTAINERID={id}", $"CNI_NETNS=/run/netns/{id}", "CNI_IFNAME=eth0",
                $"CNI_PATH={PluginFolder}", $"{PluginFolder}/{type}",
            ], cancel);
        return result.ExitCode == 0
            ? result.Output
            : throw new TestbedException($"{command} of the plugin {type}: {result.Output}{result.Error}");
    }
}
