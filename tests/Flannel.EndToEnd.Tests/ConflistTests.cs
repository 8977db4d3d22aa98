using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary><c>--install-cni</c>: the conflist exists while <c>subnet.env</c> exists.</summary>
public sealed class ConflistTests : EndToEndTest
{
    private const string Own = """{"name":"cbr0","cniVersion":"0.3.1","plugins":[{"type":"flannel"}]}""";

    /// <summary>The daemon may write here.</summary>
    private string Folder => Vpc.Instances[0].Folder;

    private string Conflist => Path.Combine(Folder, "10-flannel.conflist");

    private string SubnetFile => Vpc.Instances[0].SubnetFile;

    [Fact]
    public async Task The_conflist_has_the_subnet_and_follows_subnet_env()
    {
        await StartVpcAsync(1);
        // Of the boot before.
        await File.WriteAllTextAsync(Conflist, Own, Cancel);
        await Vpc.Etcd.StopAsync(Cancel);
        var daemon = await Vpc.Instances[0].StartDaemonAsync([$"--install-cni={Folder}"]);
        await Eventually.IsAsync("the old conflist is removed", () => Task.FromResult(!File.Exists(Conflist)), Cancel);
        await daemon.WaitForLogAsync("node[1137]", Cancel);
        await Vpc.Etcd.StartAgainAsync(Cancel);
        await daemon.WaitForReadyAsync(Cancel);

        var bridge = JsonNode.Parse(await File.ReadAllTextAsync(Conflist, Cancel))!["plugins"]![0]!;
        Assert.Equal(await SubnetAsync(0), bridge["ipam"]!["ranges"]![0]![0]!["subnet"]!.GetValue<string>());
        Assert.Equal((await Vpc.Instances[0].ReadSubnetFileAsync(Cancel))!["FLANNEL_MTU"], $"{bridge["mtu"]}");
        Assert.Equal(SubnetFile, bridge["ipam"]!["resolvConf"]!.GetValue<string>());

        // It stays during a restart, as subnet.env does.
        Assert.Equal(0, await daemon.StopAsync(Cancel));
        Assert.True(File.Exists(Conflist));

        var released = await Vpc.Instances[0].RunCommandAsync("release", Cancel, "--force", $"--install-cni={Folder}");
        Assert.Equal(0, released.ExitCode);
        Assert.False(File.Exists(SubnetFile));
        Assert.False(File.Exists(Conflist));
    }

    /// <summary>As the init container of upstream's kube-flannel.yml calls it.</summary>
    [Fact]
    public async Task Under_the_name_install_conf_the_executable_copies_a_file()
    {
        Require.NativeExecutable();
        using var folder = new RunFolder("install-conf");
        var (program, source, target) = (Path.Combine(folder.Path, "install-conf"), Path.Combine(folder.Path, "cni-conf.json"),
            Path.Combine(folder.Path, "10-flannel.conflist"));
        File.CreateSymbolicLink(program, Locations.Flanneld);
        await File.WriteAllTextAsync(source, Own, Cancel);
        var copied = await ProcessCommand.TryRunAsync(new ProgramStart(program, [source, target]), Cancel);
        Assert.Equal((0, Own), (copied.ExitCode, await File.ReadAllTextAsync(target, Cancel)));
        var missing = await ProcessCommand.TryRunAsync(new ProgramStart(program, [source + ".none", target]), Cancel);
        Assert.Equal((1, Own), (missing.ExitCode, await File.ReadAllTextAsync(target, Cancel)));
        Assert.Contains("cni-conf.json.none does not exist", missing.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await ProcessCommand.TryRunAsync(new ProgramStart(program, [source]), Cancel)).ExitCode);
    }

    [Fact]
    public async Task A_deleted_conflist_is_written_again_and_that_of_the_operator_is_copied()
    {
        await StartVpcAsync(1);
        var source = Path.Combine(Folder, "own-conf");
        await File.WriteAllTextAsync(source, Own, Cancel);
        await StartReadyAsync(0, $"--install-cni={Folder}", $"--install-cni-conf={source}");
        Assert.Equal(Own, await File.ReadAllTextAsync(Conflist, Cancel));
        File.Delete(Conflist);
        await Eventually.IsAsync("the conflist is back", () => Task.FromResult(File.Exists(Conflist)), Cancel);

        // A lease that is lost to another node takes both files away.
        var lease = await LeaseAsync(0);
        await Vpc.Etcd.Keys.PutAsync(lease!.Key, TestVpc.UpstreamLease("192.168.1.99"), Cancel);
        await Eventually.IsAsync("both files are removed",
            () => Task.FromResult(!File.Exists(SubnetFile) && !File.Exists(Conflist)), Cancel);
    }
}
