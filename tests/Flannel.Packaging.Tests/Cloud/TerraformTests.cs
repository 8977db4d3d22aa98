using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>
/// The Terraform module: its blocks and arguments against the schema of the provider; its format, variables and user data with terraform.
/// <see cref="TerraformApplyTests"/> applies it.
/// </summary>
public sealed partial class TerraformTests
{
    private static readonly string folder = Templates.PathOf("terraform");
    /// <summary>All files, without comments.</summary>
    private static readonly string source = string.Join('\n', Directory.GetFiles(folder, "*.tf").Order(StringComparer.Ordinal)
        .SelectMany(File.ReadAllLines).Where(line => !line.TrimStart().StartsWith('#')));
    private static readonly HclBlock module = HclFile.Parse(source);

    /// <summary>Resources and data sources of the provider. terraform_data is a part of Terraform.</summary>
    private static readonly IReadOnlyList<HclBlock> resources =
        [.. module.Blocks.Where(block => block.Type is "resource" or "data" && block.Labels[0] != "terraform_data")];

    /// <summary>Arguments and blocks of each resource that Terraform itself reads.</summary>
    private static readonly string[] metaArguments = ["count", "for_each", "depends_on", "lifecycle"];

    [Fact]
    public void Resources_are_valid_by_the_schema_of_the_provider()
    {
        Assert.Equal(12, resources.Count);
        Assert.All(resources, resource =>
        {
            var names = resource.Arguments.Keys.Concat(resource.Blocks.Select(block => block.Type));
            SchemaOf(resource).AssertValid(names.Except(metaArguments));
            Assert.Subset(metaArguments.ToHashSet(), resource.Blocks.Select(block => block.Type).ToHashSet());
        });
    }

    [Fact]
    public void Attributes_that_expressions_read_exist_in_the_schema_of_the_provider()
    {
        var read = ReadAttribute().Matches(source);
        Assert.True(read.Count > 15, "the expression finds the references");
        Assert.All(read, reference =>
        {
            var resource = resources.Single(block => block.Address == reference.Groups["address"].Value);
            var attribute = reference.Groups["attribute"].Value;
            Assert.True(attribute == "id" || SchemaOf(resource).Has(attribute), reference.Value);
            if (reference.Groups["nested"] is { Success: true, Value: var nested })
            {
                Assert.True(SchemaOf(resource).Nested(attribute).Has(nested), reference.Value);
            }
        });
    }

    /// <summary>The provider switches the check in RunInstances, together with the address: resource_alicloud_instance.go.</summary>
    [Fact]
    public void The_source_destination_check_is_an_argument_that_is_set_at_the_creation()
    {
        Assert.Equal("optional default bool forcenew",
            (string?)PropertySchema.Read("alicloud")["resource.alicloud_instance"]!["source_dest_check"]);
        Assert.All(Instances(), instance => Assert.Equal("false", instance.Arguments["source_dest_check"]));
    }

    /// <summary>Otherwise a node could get the address of the etcd host before that exists.</summary>
    [Fact]
    public void The_etcd_host_gets_its_address_before_all_other_instances()
    {
        Assert.Equal("local.etcd_address", Instances().Single(instance => instance.Labels[1] == "etcd").Arguments["private_ip"]);
        Assert.All(Instances().Where(instance => instance.Labels[1] != "etcd"),
            instance => Assert.Equal("[alicloud_instance.etcd]", instance.Arguments["depends_on"]));
    }

    [Fact]
    public void A_new_image_or_changed_user_data_leaves_running_instances_alone() => Assert.All(Instances(), instance =>
        Assert.Equal("[image_id, user_data]", instance.Block("lifecycle").Arguments["ignore_changes"]));

    [Fact]
    public void Every_reference_resolves_and_every_variable_is_used()
    {
        var variables = Regex.Matches(source, @"^variable ""(\w+)""", RegexOptions.Multiline)
            .Select(name => name.Groups[1].Value).ToHashSet();
        var blocks = module.Blocks.Where(block => block.Type is "resource").Select(block => block.Address).ToHashSet();
        var used = Regex.Matches(source, @"\bvar\.(\w+)").Select(name => name.Groups[1].Value).ToHashSet();
        // A validation block does not count as use of its variable.
        var elsewhere = Regex.Matches(ValidationBlock().Replace(source, ""), @"\bvar\.(\w+)")
            .Select(name => name.Groups[1].Value).ToHashSet();
        Assert.Subset(variables, used);
        Assert.Subset(elsewhere, variables);
        Assert.All(Regex.Matches(source, @"(?<!data\.)\b((?:alicloud_\w+|terraform_data)\.\w+)").Select(name => name.Groups[1].Value),
            name => Assert.Contains(name, blocks));
        Assert.All(Regex.Matches(source, @"\$\{path\.module\}/\.\./([\w./-]+\.(?:json|sh))").Select(path => path.Groups[1].Value),
            path => Assert.True(File.Exists(Templates.PathOf(path)), path));
    }

    [Fact]
    public void The_module_creates_the_resources_of_the_walk_through()
    {
        Assert.Contains("file(\"${path.module}/../ram/controller-policy.json\")", source, StringComparison.Ordinal);
        Assert.Contains("file(\"${path.module}/../ram/trust-policy.json\")", source, StringComparison.Ordinal);
        Assert.Matches(@"cidr_ip\s+= var\.pod_cidr", source);
        Assert.All([Templates.ExampleEtcd, Templates.ExampleNetwork, Templates.ExampleRepository],
            (Action<string>)(example => Assert.Contains($"\"{example}\"", source, StringComparison.Ordinal)));
    }

    [Fact]
    public Task The_files_have_the_format_of_Terraform() => Terraform.Require(folder).RunAsync(["fmt", "-check", "-diff"]);

    /// <summary>Terraform replaces all example values in the user data; this needs no provider.</summary>
    [Theory]
    [InlineData("etcd")]
    [InlineData("node")]
    public async Task User_data_has_the_values_of_the_module(string role)
    {
        using var folder = new RunFolder("terraform");
        var terraform = Terraform.Require(Path.Combine(folder.Path, "terraform"));
        foreach (var file in new[] { "terraform/variables.tf", "terraform/user_data.tf", "cloud-init/node.yaml", "cloud-init/etcd.yaml" })
        {
            var copy = Path.Combine(folder.Path, file);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(Templates.PathOf(file), copy);
        }
        var evaluated = await terraform.RunAsync(["console", "-var=zone_id=z",
            "-var=vswitch_cidr=172.16.5.0/24", "-var=pod_cidr=10.99.0.0/16", "-var=repository=https://bucket.example.org/r"],
            $"base64encode(local.user_data[\"{role}\"])\n");
        var userData = System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(evaluated.Trim().Trim('"')));
        Assert.Equal(Templates.UserData(role).Replace(Templates.ExampleEtcd, "172.16.5.11", StringComparison.Ordinal)
            .Replace(Templates.ExampleNetwork, "10.99.0.0/16", StringComparison.Ordinal)
            .Replace(Templates.ExampleRepository, "https://bucket.example.org/r", StringComparison.Ordinal), userData);
    }

    [Theory]
    [InlineData("repository=http://bucket.example.org/r", "https URL")]
    [InlineData("repository=https://bucket.example.org/r/", "without a slash")]
    [InlineData("nodes=200", "integer from 0 to 199")]
    [InlineData("vswitch_cidr=192.168.1.0/29", "eleventh address")]
    [InlineData("vswitch_cidr=fd00::/64", "IPv4 range")]
    public async Task An_invalid_variable_is_refused_with_an_explanation(string variable, string message)
    {
        using var folder = new RunFolder("terraform");
        var terraform = Terraform.Require(folder.Path);
        File.Copy(Templates.PathOf("terraform", "variables.tf"), Path.Combine(folder.Path, "variables.tf"));
        var planned = await terraform.TryAsync(["plan", "-no-color", "-input=false", "-var=zone_id=z",
            "-var=repository=https://bucket.example.org/r", "-var=" + variable]);
        Assert.NotEqual(0, planned.ExitCode);
        var error = planned.Error.ReplaceLineEndings(" ").Replace("│ ", "", StringComparison.Ordinal);
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    private static IEnumerable<HclBlock> Instances() => resources.Where(resource => resource.Labels[0] == "alicloud_instance");

    private static PropertySchema SchemaOf(HclBlock resource) =>
        PropertySchema.Of(PropertySchema.Read("alicloud"), $"{resource.Type}.{resource.Labels[0]}");

    /// <summary>A reference to an attribute of a resource or data source, and to an attribute of its first element.</summary>
    [GeneratedRegex(@"(?<![\w.])(?<address>(?:data\.)?alicloud_\w+\.\w+)(?:\[[^\]]*\])?\.(?<attribute>\w+)(?:\[0\]\.(?<nested>\w+))?")]
    private static partial Regex ReadAttribute();

    [GeneratedRegex(@"^  validation \{\n.*?^  \}", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex ValidationBlock();
}
