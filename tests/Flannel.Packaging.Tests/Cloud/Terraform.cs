using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>The installed terraform in a folder, without settings of the host and without its check for a newer version.</summary>
internal sealed class Terraform
{
    private static readonly TimeSpan limit = TimeSpan.FromMinutes(3);

    private readonly string program;
    private readonly string folder;
    private readonly Dictionary<string, string> environment;

    private Terraform(string program, string folder, IReadOnlyList<NamedValue> more)
    {
        (this.program, this.folder) = (program, folder);
        environment = new Dictionary<string, string>
        {
            ["TF_CLI_CONFIG_FILE"] = "/dev/null",
            ["CHECKPOINT_DISABLE"] = "1",
            ["HOME"] = Path.GetTempPath(),
            ["PATH"] = "/usr/bin:/bin",
        };
        foreach (var (name, value) in more) environment[name] = value;
    }

    /// <summary>Skips the test where terraform is not installed.</summary>
    public static Terraform Require(string folder, params NamedValue[] more)
    {
        var program = new[] { "/usr/local/bin/terraform", "/usr/bin/terraform" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(program is null, "no terraform on this machine");
        return new Terraform(program!, folder, more);
    }

    public async Task<string> RunAsync(IReadOnlyList<string> arguments, string? input = null)
    {
        var result = await TryAsync(arguments, input);
        Assert.True(result.ExitCode == 0, $"terraform {string.Join(' ', arguments)}: {result.Output}{result.Error}");
        return result.Output;
    }

    public Task<CommandResult> TryAsync(IReadOnlyList<string> arguments, string? input = null) => ProcessCommand.TryRunAsync(
        new ProgramStart(program, [$"-chdir={folder}", .. arguments]) { Environment = environment },
        TestContext.Current.CancellationToken, input, limit: limit);
}
