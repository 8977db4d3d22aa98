using System.Text;
using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>What the file itself promises: one piece, small, needing nothing of the machine.</summary>
public sealed partial class ExecutableTests
{
    /// <summary>The project's limit for the executable, which has the libraries of Debian 12.</summary>
    private const long MostBytes = 18_000_000;

    /// <summary>OpenSSL 3.5 of Debian 13 has 2.3 MB more than OpenSSL 3.0.</summary>
    private const long MostBytesWithNewerOpenSsl = 21_000_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_under_18_megabytes_and_under_21_with_the_OpenSSL_of_Debian_13()
    {
        Needs.NativeExecutable();
        var bytes = await File.ReadAllBytesAsync(Locations.Flanneld, Cancel);
        Assert.InRange(bytes.Length, 1_000_000, bytes.AsSpan().IndexOf("OpenSSL 3.0."u8) >= 0 ? MostBytes : MostBytesWithNewerOpenSsl);
    }

    [Fact]
    public async Task It_has_no_interpreter_and_needs_no_library()
    {
        Needs.NativeExecutable();
        Needs.Program("/usr/bin/readelf");
        var headers = await ProcessCommand.RunAsync(new ProgramStart("/usr/bin/readelf", ["--program-headers", "--dynamic", "--wide", Locations.Flanneld]), Cancel);
        Assert.Contains("LOAD", headers, StringComparison.Ordinal);
        Assert.DoesNotContain("INTERP", headers, StringComparison.Ordinal);
        Assert.DoesNotContain("(NEEDED)", headers, StringComparison.Ordinal);
        // Position independent, writable or executable but never both.
        Assert.Contains("DYN", headers, StringComparison.Ordinal);
        Assert.DoesNotContain("RWE", headers, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_starts_where_there_is_no_file_but_itself()
    {
        await Needs.NamespacesAsync();
        Needs.NativeExecutable();
        using var folder = new RunFolder("empty");
        var program = folder.CopyOfProgram(Locations.Flanneld);
        var result = await ProcessCommand.TryRunAsync(
            new ProgramStart($"/{Path.GetFileName(program)}", ["--version"]) { ChangeRoot = folder.Path, Environment = new Dictionary<string, string>() }, Cancel);
        Assert.True(result.ExitCode == 0, $"exit code {result.ExitCode}\n{result.Error}");
        Assert.NotEmpty(result.Output + result.Error);
    }

    [Fact]
    public async Task No_folder_of_the_build_machine_is_in_it()
    {
        Needs.NativeExecutable();
        var text = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(Locations.Flanneld, Cancel));
        // What the build has mapped to /_/ and /_nuget/ goes on with folders such as src/: a repository in /src has that path, too.
        var folder = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(Locations.Repository() + "/"));
        Assert.DoesNotContain(folder, MappedPath().Replace(text, ""), StringComparison.Ordinal);
    }

    [GeneratedRegex("/_(nuget)?/[A-Za-z0-9_./+-]*")]
    private static partial Regex MappedPath();
}
