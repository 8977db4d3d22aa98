using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>packaging/ram defines the permissions of the controller; the README and the sources agree with it.</summary>
public sealed partial class RamPolicyTests
{
    private static readonly string[] actions =
        [.. Statement(Templates.Json("ram", "controller-policy.json"))["Action"]!.AsArray().Select(action => (string)action!)];

    [Fact]
    public void The_README_shows_the_policy()
    {
        var readme = File.ReadAllText(Path.Combine(Locations.Repository(), "README.md"));
        var shown = JsonNode.Parse(JsonBlock().Match(readme).Groups[1].Value);
        Assert.True(JsonNode.DeepEquals(Templates.Json("ram", "controller-policy.json"), shown),
            "README.md and packaging/ram/controller-policy.json differ");
    }

    [Fact]
    public void The_policy_allows_exactly_the_actions_of_the_sources()
    {
        // The calls are in Flannel.AliCloud, the names of the permissions in Flannel.RouteController.
        var sources = string.Concat(Directory.GetFiles(Path.Combine(Locations.Repository(), "src"), "*.cs", SearchOption.AllDirectories)
            .Select(File.ReadAllText));
        var named = Named().Matches(sources).Select(name => name.Groups[1].Value).ToHashSet();
        Assert.True(named.Count >= 8, string.Join(' ', named));
        Assert.Subset(actions.ToHashSet(), named);
        Assert.All(actions, action => Assert.Matches($@"\b{action.Split(':')[1]}\b", sources));
    }

    [Fact]
    public void Only_ECS_may_assume_the_role() => Assert.Equal(
        ["ecs.aliyuncs.com"], Statement(Templates.Json("ram", "trust-policy.json"))["Principal"]!["Service"]!.AsArray()
            .Select(service => (string)service!));

    private static JsonNode Statement(JsonNode policy) => Assert.Single(policy["Statement"]!.AsArray())!;

    [GeneratedRegex(@"```json\n\s*(\{""Version"".*?)\n\s*```", RegexOptions.Singleline)]
    private static partial Regex JsonBlock();

    [GeneratedRegex(@"""((?:vpc|ecs|quotas):[A-Z]\w+)""")]
    private static partial Regex Named();
}
