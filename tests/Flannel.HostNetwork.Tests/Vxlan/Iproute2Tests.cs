using Flannel.HostNetwork.Vxlan;
using Flannel.Testbed;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.HostNetwork.Tests.Vxlan;

public sealed class Iproute2Tests : IDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly RunFolder folder = new("iproute2");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Iproute2 Commands => new(time) { Folders = new ProgramFolders([folder.Path, "/usr/bin", "/bin"]) };

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Without_the_command_one_line_says_what_to_install()
    {
        var result = await new Iproute2(time) { Folders = new ProgramFolders([folder.Path]) }.RunAsync("missing-bridge", [], "", Cancel);
        Assert.StartsWith("backend vxlan needs the missing-bridge command: ", result.Error, StringComparison.Ordinal);
        Assert.EndsWith("; install iproute2 (iproute in rpm distributions)", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', result.Error!);
    }

    [Fact]
    public async Task In_the_plain_image_it_names_the_image_with_the_command()
    {
        var folders = new ProgramFolders([folder.Path]) { IsPlainImage = true };
        var result = await new Iproute2(time) { Folders = folders }.RunAsync("missing-bridge", [], "", Cancel);
        Assert.EndsWith("; use the container image whose tag ends in -tools", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_gets_its_input_and_only_PATH_and_the_locale()
    {
        await InstallAsync("cat; env | sort | cut -d= -f1 | grep -v -e PWD -e SHLVL -e '^_$' | tr '\\n' ' '");
        var result = await Commands.RunAsync("ip", ["-batch", "-"], "link show\n", Cancel);
        Assert.Equal("link show\nLC_ALL PATH ", result.Value);
    }

    [Fact]
    public async Task More_output_than_a_pipe_holds_is_read()
    {
        await InstallAsync("i=0; while [ $i -lt 3000 ]; do echo 01234567890123456789012345678901 >&2; echo output; i=$((i+1)); done");
        Assert.Equal(3000 * 7, (await Commands.RunAsync("ip", [], "", Cancel)).Value.Length);
    }

    [Fact]
    public async Task A_command_that_hangs_is_killed()
    {
        await InstallAsync("echo $$ > \"$0.part\"; mv \"$0.part\" \"$0.pid\"; exec sleep 600");
        var running = Commands.RunAsync("ip", [], "", Cancel);
        await Eventually.IsAsync("it runs", () => Task.FromResult(File.Exists($"{folder.Path}/ip.pid")), Cancel);
        time.Advance(Iproute2.CommandTimeout);
        Assert.Equal("ip did not end within 15 s", (await running).Error);
        var pid = (await File.ReadAllTextAsync($"{folder.Path}/ip.pid", Cancel)).Trim();
        await Eventually.IsAsync("it has ended", () => Task.FromResult(!IsRunning(pid)), Cancel);
    }

    private static bool IsRunning(string pid)
    {
        try
        {
            return !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private async Task InstallAsync(string script)
    {
        var path = Path.Combine(folder.Path, "ip");
        await File.WriteAllTextAsync(path, $"#!/bin/sh\n{script}\n", Cancel);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
