using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using AliCloud.Simulator;
using AliCloud.Simulator.Hosting;
using AliCloud.Simulator.Setup;

try
{
    var options = CommandLine.Parse(args);
    var setup = CloudSetupJson.Read(await File.ReadAllTextAsync(options.CloudSetup));

    var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    void End(PosixSignalContext signal)
    {
        signal.Cancel = true;
        end.TrySetResult();
    }

    using var onTerm = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
    using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);

    await WarmUp.RunAsync();
    await using var cloud = await SimulatedCloud.StartAsync(
        setup, new SimulatedCloudOptions { Metadata = options.Metadata, Api = options.Api, Control = options.Control });
    Console.WriteLine(JsonSerializer.Serialize(
        new { cloud.Metadata, cloud.Api, cloud.Control, cloud.MetadataByInstance }, new JsonSerializerOptions(JsonSerializerDefaults.Web)));

    if (options.UntilStdinCloses) _ = WaitForEndOfInputAsync(end);
    await end.Task;
    return 0;
}
catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException or SocketException)
{
    await Console.Error.WriteLineAsync("AliCloud.Simulator: " + e.Message);
    return 2;
}

static async Task WaitForEndOfInputAsync(TaskCompletionSource end)
{
    await using var input = Console.OpenStandardInput();
    var buffer = new byte[256];
    while (await input.ReadAsync(buffer) > 0)
    {
    }

    end.TrySetResult();
}
