using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>
/// The Terraform module as text, and its format and user data with terraform where it is installed. `terraform validate` needs the provider
/// from Terraform's registry; the arguments are those of the provider's documentation, version 1.289.0.
/// </summary>
public sealed partial class TerraformTests
{
    private static readonly string folder = Templates.PathOf("terraform");
    private static readonly string source =
        string.Concat(Directory.GetFiles(folder, "*.tf").Order(StringComparer.Ordinal).Select(File.ReadAllText));

    /// <summary>The arguments in use, checked against the documentation.</summary>
    private static readonly Dictionary<string, string[]> arguments = new()
    {
        ["alicloud_images"] = ["name_regex", "owners", "architecture", "most_recent"],
        ["alicloud_vpc"] = ["vpc_name", "cidr_block"],
        ["alicloud_vswitch"] = ["vswitch_name", "vpc_id", "zone_id", "cidr_block"],
        ["alicloud_security_group"] = ["security_group_name", "vpc_id", "inner_access_policy"],
        ["alicloud_security_group_rule"] = ["security_group_id", "type", "ip_protocol", "port_range", "nic_type",
            "policy", "cidr_ip", "description"],
        ["alicloud_ram_role"] = ["role_name", "description", "assume_role_policy_document"],
        ["alicloud_ram_policy"] = ["policy_name", "description", "policy_document"],
        ["alicloud_ram_role_policy_attachment"] = ["role_name", "policy_name", "policy_type"],
        ["alicloud_instance"] =
        [
            "count", "instance_name", "instance_type", "image_id", "vswitch_id", "private_ip", "security_groups", "key_name",
            "source_dest_check", "user_data",
            "system_disk_category",
        ],
        ["alicloud_ecs_ram_role_attachment"] = ["for_each", "instance_id", "ram_role_name", "depends_on"],
    };

    [Fact]
    public void Resources_are_of_known_types_with_known_arguments()
    {
        var blocks = Block().Matches(source).ToList();
        Assert.Equal(11, blocks.Count);
        Assert.All(blocks, block => Assert.Subset(
            arguments[block.Groups["type"].Value].ToHashSet(),
            Argument().Matches(block.Groups["body"].Value).Select(argument => argument.Groups[1].Value).ToHashSet()));
    }

    [Fact]
    public void Every_reference_resolves_and_every_variable_is_used()
    {
        var variables = Regex.Matches(source, @"^variable ""(\w+)""", RegexOptions.Multiline)
            .Select(name => name.Groups[1].Value).ToHashSet();
        var blocks = Block().Matches(source).Select(block => $"{block.Groups["type"].Value}.{block.Groups["name"].Value}").ToHashSet();
        var used = Regex.Matches(source, @"\bvar\.(\w+)").Select(name => name.Groups[1].Value).ToHashSet();
        // A validation block does not count as use of its variable.
        var elsewhere = Regex.Matches(ValidationBlock().Replace(source, ""), @"\bvar\.(\w+)")
            .Select(name => name.Groups[1].Value).ToHashSet();
        Assert.Subset(variables, used);
        Assert.Subset(elsewhere, variables);
        Assert.All(Regex.Matches(source, @"\b(alicloud_\w+\.\w+)[.\[]").Select(name => name.Groups[1].Value),
            name => Assert.Contains(name, blocks));
        Assert.All(Regex.Matches(source, @"\$\{path\.module\}/\.\./([\w./-]+\.json)").Select(path => path.Groups[1].Value),
            path => Assert.True(File.Exists(Templates.PathOf(path)), path));
    }

    [Fact]
    public void The_module_creates_the_resources_of_the_walk_through()
    {
        Assert.Contains("file(\"${path.module}/../ram/controller-policy.json\")", source, StringComparison.Ordinal);
        Assert.Contains("file(\"${path.module}/../ram/trust-policy.json\")", source, StringComparison.Ordinal);
        Assert.All(Block().Matches(source).Where(block => block.Groups["type"].Value == "alicloud_instance"), block =>
            Assert.Matches(@"source_dest_check\s+= false", block.Groups["body"].Value));
        Assert.Matches(@"cidr_ip\s+= var\.pod_cidr", source);
        Assert.All([Templates.ExampleEtcd, Templates.ExampleNetwork, Templates.ExampleRepository],
            (Action<string>)(example => Assert.Contains($"\"{example}\"", source, StringComparison.Ordinal)));
    }

    /// <summary>Terraform replaces all example values in the user data; this needs no provider.</summary>
    [Theory]
    [InlineData("etcd")]
    [InlineData("node")]
    public async Task User_data_has_the_values_of_the_module(string role)
    {
        if (Program() is not { } terraform)
        {
            return;
        }
        await RunAsync(terraform, TerraformTests.folder, null, "fmt", "-check", "-diff");

        using var folder = new RunFolder("terraform");
        foreach (var file in new[] { "terraform/variables.tf", "terraform/user_data.tf", "cloud-init/node.yaml", "cloud-init/etcd.yaml" })
        {
            var copy = Path.Combine(folder.Path, file);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(Templates.PathOf(file), copy);
        }
        var evaluated = await RunAsync(terraform, Path.Combine(folder.Path, "terraform"), $"base64encode(local.user_data[\"{role}\"])\n",
            "console", "-var=zone_id=z", "-var=vswitch_cidr=172.16.5.0/24", "-var=pod_cidr=10.99.0.0/16",
            "-var=repository=https://bucket.example.org/r");
        var userData = System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(evaluated.Trim().Trim('"')));
        Assert.Equal(Templates.UserData(role).Replace(Templates.ExampleEtcd, "172.16.5.11", StringComparison.Ordinal)
            .Replace(Templates.ExampleNetwork, "10.99.0.0/16", StringComparison.Ordinal)
            .Replace(Templates.ExampleRepository, "https://bucket.example.org/r", StringComparison.Ordinal), userData);
    }

    [Theory]
    [InlineData("repository=http://bucket.example.org/r", "https URL")]
    [InlineData("repository=https://bucket.example.org/r/", "without a slash")]
    [InlineData("nodes=200", "integer from 0 to 199")]
    public async Task An_invalid_variable_is_refused_with_an_explanation(string variable, string message)
    {
        if (Program() is not { } terraform)
        {
            return;
        }
        using var folder = new RunFolder("terraform");
        File.Copy(Templates.PathOf("terraform", "variables.tf"), Path.Combine(folder.Path, "variables.tf"));
        var planned = await TryAsync(terraform, folder.Path, null, "plan", "-no-color", "-input=false", "-var=zone_id=z",
            "-var=repository=https://bucket.example.org/r", "-var=" + variable);
        Assert.NotEqual(0, planned.ExitCode);
        var error = planned.Error.ReplaceLineEndings(" ").Replace("│ ", "", StringComparison.Ordinal);
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    private static string? Program() => new[] { "/usr/local/bin/terraform", "/usr/bin/terraform" }.FirstOrDefault(File.Exists);

    private static async Task<string> RunAsync(string terraform, string folder, string? input, params string[] arguments)
    {
        var result = await TryAsync(terraform, folder, input, arguments);
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        return result.Output;
    }

    /// <summary>Runs terraform without settings of the host and without its check for a newer version.</summary>
    private static Task<CommandResult> TryAsync(string terraform, string folder, string? input, params string[] arguments) =>
        ProcessCommand.TryRunAsync(
            new ProgramStart(terraform, [$"-chdir={folder}", .. arguments])
            {
                Environment = new Dictionary<string, string>
                {
                    ["TF_CLI_CONFIG_FILE"] = "/dev/null",
                    ["CHECKPOINT_DISABLE"] = "1",
                    ["HOME"] = folder,
                    ["PATH"] = "/usr/bin:/bin",
                },
            },
            TestContext.Current.CancellationToken, input);

    [GeneratedRegex(@"^(?:resource|data) ""(?<type>\w+)"" ""(?<name>\w+)"" \{\n(?<body>.*?)^\}",
        RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"^  (\w+)\s+= ", RegexOptions.Multiline)]
    private static partial Regex Argument();

    [GeneratedRegex(@"^  validation \{\n.*?^  \}", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex ValidationBlock();
}
