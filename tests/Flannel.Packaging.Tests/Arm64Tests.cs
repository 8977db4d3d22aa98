using System.Runtime.InteropServices;
using Flannel.EndToEnd.Tests;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests;

/// <summary>The arm64 executable, emulated by qemu.</summary>
public sealed class Arm64Tests
{
    private const string Emulator = "/usr/bin/qemu-aarch64-static";

    private static readonly string executable = Path.Combine(Locations.Repository(), "artifacts", "linux-arm64", "flanneld");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_arm64_executable_leases_a_subnet_gets_its_route_and_stops()
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "this machine runs arm64 executables natively");
        Require.Program(Emulator);
        Require.Program(executable);
        await using var vpc = await LoopbackVpc.StartAsync(new CloudSetup { Instances = CloudSetup.MakeInstances(1) }, Cancel);
        await vpc.PublishConfigAsync(Cancel);
        var instance = vpc.Instances[0];
        var version = await ProcessCommand.RunAsync(new ProgramStart(Emulator, [executable, "--version"]), Cancel);
        Assert.Equal(await ProcessCommand.RunAsync(new ProgramStart(Locations.Flanneld, ["--version"]), Cancel), version);

        var start = new ProgramStart(Emulator, [executable, .. instance.Arguments]) { Environment = new Dictionary<string, string>() };
        await using var daemon = await DaemonProcess.StartAsync(start, Path.Combine(instance.Folder, "notify"));
        await daemon.WaitForReadyAsync(Cancel);
        var lease = Assert.Single(await vpc.LeasesAsync(Cancel));
        var route = Assert.Single(await vpc.Control.CustomRoutesAsync(Cancel));
        Assert.Equal(($"{TestVpc.Prefix}/subnets/{route.DestinationCidrBlock.Replace('/', '-')}", instance.InstanceId),
            (lease.Key, route.NextHopId));
        Assert.NotNull(await instance.ReadSubnetFileAsync(Cancel));
        Assert.Equal(0, await daemon.StopAsync(Cancel));
    }
}
