using System.Text.Json;
using System.Text.Json.Nodes;

namespace Flannel.Testbed;

/// <summary>The process of the simulated cloud.</summary>
public sealed class SimulatorProcess : IAsyncDisposable
{
    private readonly ChildProcess process;

    private SimulatorProcess(ChildProcess process, JsonObject addresses, NetworkNamespace? ns)
    {
        this.process = process;
        Api = new Uri(addresses["api"]!.GetValue<string>());
        MetadataByInstance = addresses["metadataByInstance"]?.Deserialize<Dictionary<string, string>>() ?? [];
        var control = new Uri(addresses["control"]!.GetValue<string>());
        ControlAddress = control;
        Control = new SimulatorControl(ns?.CreateHttpClient(control) ?? new HttpClient { BaseAddress = control });
    }

    /// <summary>The VPC and ECS API.</summary>
    public Uri Api { get; }

    public Uri ControlAddress { get; }

    /// <summary>In loopback mode the metadata endpoint of each instance, by instance id.</summary>
    public IReadOnlyDictionary<string, string> MetadataByInstance { get; }

    public SimulatorControl Control { get; }

    public string StandardError => process.StandardError;

    /// <param name="metadata">The endpoint of one metadata service that tells instances apart by their address; null for one port per
    /// instance.</param>
    public static async Task<SimulatorProcess> StartAsync(
        CloudSetup setup, RunFolder folder, NetworkNamespace? ns, string? metadata, string api, string control, CancellationToken cancel)
    {
        var file = Path.Combine(folder.Path, "setup.json");
        await File.WriteAllTextAsync(file, setup.ToJson(perInstancePort: metadata is null).ToJsonString(), cancel);
        List<string> arguments = ["--setup", file, "--api", api, "--control", control, "--until-stdin-closes"];
        if (metadata is not null)
        {
            arguments.AddRange(["--metadata", metadata]);
        }
        var start = new ProgramStart(Locations.Program("AliCloud.Simulator"), arguments) { Namespace = ns };
        var process = await ChildProcess.StartAsync(start);
        try
        {
            var line = await Eventually.HasAsync(
                "the simulated cloud prints its addresses", () => Task.FromResult(FirstLine(process)), cancel,
                context: () => process.StandardError);
            return new SimulatorProcess(process, JsonNode.Parse(line)!.AsObject(), ns);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Control.Dispose();
        await process.DisposeAsync();
    }

    private static string? FirstLine(ChildProcess process)
    {
        if (process.HasExited)
        {
            throw new TestbedException($"the simulated cloud ended during its start\n{process.StandardOutput}{process.StandardError}");
        }
        var output = process.StandardOutput;
        return output.IndexOf('\n', StringComparison.Ordinal) is > 0 and var end ? output[..end] : null;
    }
}
