using System.Text;
using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>The file of the executable: size, static linking, no paths of the build machine.</summary>
public sealed partial class ExecutableTests
{
    /// <summary>The limit with the libraries of Debian 12. The Kubernetes API as subnet manager is 1.6 MB of it (docs/adr/0011).</summary>
    private const long MaxBytes = 20_900_000;

    /// <summary>OpenSSL 3.5 of Debian 13 is 2.3 MB larger than OpenSSL 3.0.</summary>
    private const long MaxBytesWithNewerOpenSsl = 23_400_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_executable_has_at_most_20_9_MB_or_23_4_MB_with_the_OpenSSL_of_Debian_13()
    {
        Require.NativeExecutable();
        var bytes = await File.ReadAllBytesAsync(Locations.Flanneld, Cancel);
        var limit = bytes.AsSpan().IndexOf("OpenSSL 3.0."u8) >= 0 ? MaxBytes : MaxBytesWithNewerOpenSsl;
        Assert.InRange(bytes.Length, 1_000_000, limit);
    }

    [Fact]
    public async Task The_executable_is_static()
    {
        Require.NativeExecutable();
        Require.Program("/usr/bin/readelf");
        var headers = await ProcessCommand.RunAsync(
            new ProgramStart("/usr/bin/readelf", ["--program-headers", "--dynamic", "--wide", Locations.Flanneld]), Cancel);
        Assert.Contains("LOAD", headers, StringComparison.Ordinal);
        Assert.DoesNotContain("INTERP", headers, StringComparison.Ordinal);
        Assert.DoesNotContain("(NEEDED)", headers, StringComparison.Ordinal);
        // Position independent; no segment is both writable and executable.
        Assert.Contains("DYN", headers, StringComparison.Ordinal);
        Assert.DoesNotContain("RWE", headers, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_executable_starts_in_an_empty_root()
    {
        await Require.NamespacesAsync();
        Require.NativeExecutable();
        using var folder = new RunFolder("empty");
        var program = folder.CopyProgram(Locations.Flanneld);
        var result = await ProcessCommand.TryRunAsync(
            new ProgramStart($"/{Path.GetFileName(program)}", ["--version"])
            {
                ChangeRoot = folder.Path,
                Environment = new Dictionary<string, string>(),
            },
            Cancel);
        Assert.True(result.ExitCode == 0, $"exit code {result.ExitCode}\n{result.Error}");
        Assert.NotEmpty(result.Output + result.Error);
    }

    [Fact]
    public async Task The_executable_names_no_folder_of_the_build_machine()
    {
        Require.NativeExecutable();
        var text = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(Locations.Flanneld, Cancel));
        // Paths that the build maps to /_/ and /_nuget/ continue with folders such as src/, which match the path of a repository in /src.
        var folder = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(Locations.Repository() + "/"));
        Assert.DoesNotContain(folder, MappedPath().Replace(text, ""), StringComparison.Ordinal);
    }

    [GeneratedRegex("/_(nuget)?/[A-Za-z0-9_./+-]*")]
    private static partial Regex MappedPath();
}
