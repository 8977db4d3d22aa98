using System.Security.Cryptography;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Files;

/// <summary>Runs packaging tools.</summary>
internal static class Run
{
    private static readonly Dictionary<string, string> environment = new()
    {
        ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin",
        ["HOME"] = Environment.GetEnvironmentVariable("HOME") ?? "/root",
        ["LC_ALL"] = "C.UTF-8",
        ["TZ"] = "UTC",
    };

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The output of a program; throws if its exit code is not 0.</summary>
    public static Task<string> OutputAsync(string program, params string[] arguments) =>
        ProcessCommand.RunAsync(Start(program, arguments), Cancel);

    /// <param name="more">Additional environment variables.</param>
    public static ProgramStart Start(string program, IEnumerable<string> arguments, params NamedValue[] more)
    {
        var environment = new Dictionary<string, string>(Run.environment);
        foreach (var (name, value) in more) environment[name] = value;
        return new ProgramStart(Find(program), [.. arguments]) { Environment = environment };
    }

    /// <summary>Runs a program with a limit of five minutes.</summary>
    public static Task<CommandResult> LongAsync(ProgramStart start) =>
        ProcessCommand.TryRunAsync(start, Cancel, limit: TimeSpan.FromMinutes(5));

    /// <summary>The SHA-256 of a file in lower-case hexadecimal.</summary>
    public static async Task<string> Sha256Async(string path)
    {
        await using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, Cancel));
    }

    public static async Task<string> BuildIdAsync(string path) =>
        (await OutputAsync("readelf", "-n", path))
            .Split('\n').Single(line => line.Contains("Build ID:", StringComparison.Ordinal)).Split(':')[1].Trim();

    /// <summary>The non-empty lines without trailing blanks.</summary>
    public static string[] Lines(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd())];

    private static string Find(string program)
    {
        if (program.StartsWith('/')) return program;
        var found = new[] { "/usr/bin", "/usr/sbin", "/bin", "/sbin" }.Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);
        Assert.SkipWhen(found is null, $"no {program} on this machine: ./build.sh test-packages installs it");
        return found!;
    }
}
