using System.Text.RegularExpressions;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>The aliyun commands of the documents and scripts, against the metadata of the Alibaba Cloud CLI.</summary>
public sealed partial class CliCommandTests
{
    [Theory]
    [InlineData("cloud-init/README.md", "ess CreateLifecycleHook")]
    [InlineData("cloud-init/release.sh", "ecs RunCommand", "ecs DescribeInvocationResults")]
    [InlineData("ros/README.md", "ros CreateStack", "ros GetStack", "ros DeleteStack")]
    public void Every_parameter_exists_and_the_required_ones_are_given(string file, params string[] expected)
    {
        var metadata = PropertySchema.Read("aliyun");
        var commands = Command().Matches(Templates.Read(file).Replace("\\\n", " ", StringComparison.Ordinal)).ToList();
        Assert.Equal(expected, commands.Select(command => command.Groups["action"].Value));
        Assert.All(commands, command =>
        {
            // --RegionId also selects the endpoint: the CLI accepts it for every action.
            var given = Parameter().Matches(command.Value)
                .Select(parameter => Number().Replace(parameter.Groups[1].Value, ".N")).ToHashSet();
            Assert.Contains("RegionId", given);
            var schema = PropertySchema.Of(metadata, command.Groups["action"].Value);
            schema.AssertValid(schema.Has("RegionId") ? given : given.Except(["RegionId"]));
        });
    }

    [Fact]
    public void The_documented_stack_has_the_parameters_of_the_template()
    {
        var parameters = Templates.Yaml(Templates.Read("ros", "flannel.yaml"))["Parameters"]!.AsObject();
        var readme = Templates.Read("ros", "README.md");
        var given = Regex.Matches(readme, @"ParameterKey (\w+)").Select(key => key.Groups[1].Value).ToList();
        Assert.Subset(parameters.Select(parameter => parameter.Key).ToHashSet(), given.ToHashSet());
        Assert.Subset(given.ToHashSet(), parameters.Where(parameter => parameter.Value!["Default"] is null)
            .Select(parameter => parameter.Key).ToHashSet());
        Assert.All(parameters, parameter => Assert.Contains($"`{parameter.Key}`", readme, StringComparison.Ordinal));
        Assert.All(parameters.Where(parameter => parameter.Value!["Default"] is not null),
            parameter => Assert.Contains($"`{(string?)parameter.Value!["Default"]}`", readme, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"\baliyun (?<action>(?:ros|ecs|ess) \w+)[^\n)]*")]
    private static partial Regex Command();

    [GeneratedRegex(@" --([\w.]+)")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"\.\d+")]
    private static partial Regex Number();
}
