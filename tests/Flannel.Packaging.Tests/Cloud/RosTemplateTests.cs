using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>
/// The structure of the ROS template, and its properties against the resource specification of ROS. No tool of Alibaba Cloud validates it
/// without an account.
/// </summary>
public sealed partial class RosTemplateTests
{
    private static readonly JsonNode template = Templates.Yaml(Templates.Read("ros", "flannel.yaml"));
    private static readonly JsonObject specification = PropertySchema.Read("ros");

    [Fact]
    public void Resources_are_valid_by_the_specification_of_ROS()
    {
        Assert.Equal("2015-09-01", (string?)template["ROSTemplateFormatVersion"]);
        Assert.Subset(new HashSet<string> { "ROSTemplateFormatVersion", "Description", "Parameters", "Resources", "Outputs" },
            template.AsObject().Select(key => key.Key).ToHashSet());
        Assert.Equal(["Vpc", "VSwitch", "SecurityGroup", "ControllerRole", "Etcd", "Node"], Names("Resources"));
        Assert.All(template["Resources"]!.AsObject(), resource =>
        {
            Assert.Subset(new HashSet<string> { "Type", "DependsOn", "Properties" },
                resource.Value!.AsObject().Select(key => key.Key).ToHashSet());
            var schema = PropertySchema.Of(specification[TypeOf(resource.Key)]!, "properties");
            schema.AssertValid(resource.Value["Properties"]!.AsObject().Select(key => key.Key));
        });
        Assert.All(template["Parameters"]!.AsObject(), parameter => Assert.NotEmpty((string?)parameter.Value!["Description"] ?? ""));
        Assert.All(template["Outputs"]!.AsObject(),
            output => Assert.Equal(["Description", "Value"], output.Value!.AsObject().Select(key => key.Key)));
    }

    [Theory]
    [InlineData("SecurityGroup", "SecurityGroupIngress")]
    [InlineData("ControllerRole", "Policies")]
    public void Items_of_lists_are_valid_by_the_specification_of_ROS(string resource, string property)
    {
        var schema = PropertySchema.Of(specification[TypeOf(resource)]!, "properties").Nested(property);
        Assert.All(Properties(resource)[property]!.AsArray(), item => schema.AssertValid(item!.AsObject().Select(key => key.Key)));
    }

    /// <summary>Otherwise a node could get the address of the etcd host before that exists. ROS deletes in the opposite order.</summary>
    [Fact]
    public void The_etcd_host_is_created_before_the_nodes_and_deleted_after_them()
    {
        Assert.Contains("Etcd", template["Resources"]!["Node"]!["DependsOn"]!.AsArray().Select(name => (string?)name));
        Assert.Equal("1", (string?)Properties("Etcd")["MaxAmount"]);
    }

    [Fact]
    public void Every_reference_resolves_and_every_parameter_is_used()
    {
        var known = Names("Parameters").Concat(Names("Resources")).Append("ALIYUN::StackName").ToHashSet();
        var references = References(template["Resources"]!).Concat(References(template["Outputs"]!)).ToList();
        Assert.All(references, name => Assert.Contains(name, known));
        Assert.Subset(references.ToHashSet(), Names("Parameters").ToHashSet());
        Assert.All(Calls(template, "Fn::GetAtt").Select(call => call.AsArray()),
            call => Assert.Contains((string)call[1]!,
                specification[TypeOf((string)call[0]!)]!["attributes"]!.AsArray().Select(attribute => (string)attribute!)));
    }

    [Fact]
    public void Instances_have_exactly_the_published_user_data()
    {
        foreach (var (resource, role) in new[] { ("Etcd", "etcd"), ("Node", "node") })
        {
            var replace = Properties(resource)["UserData"]!["Fn::Replace"]!.AsArray();
            var text = (string)replace[1]!;
            Assert.Equal(Templates.UserData(role), text);
            string[] examples = [Templates.ExampleEtcd,
                .. role == "etcd" ? [Templates.ExampleNetwork] : Array.Empty<string>(), Templates.ExampleRepository];
            Assert.Equal(examples, replace[0]!.AsObject().Select(pair => pair.Key));
            Assert.All(examples, example => Assert.Contains(example, text, StringComparison.Ordinal));
        }
        var parameters = template["Parameters"]!;
        Assert.Equal((Templates.ExampleEtcd, Templates.ExampleNetwork),
            ((string?)parameters["EtcdAddress"]!["Default"], (string?)parameters["PodCidr"]!["Default"]));
        Assert.Equal("EtcdAddress", (string?)Properties("Etcd")["PrivateIpAddress"]!["Ref"]);
        // The signing key is downloaded from the repository, so that only https is allowed.
        Assert.Matches((string)parameters["Repository"]!["AllowedPattern"]!, Templates.ExampleRepository);
        Assert.DoesNotMatch((string)parameters["Repository"]!["AllowedPattern"]!, "http://packages.example.com/flanneld");
    }

    [Fact]
    public void The_role_has_the_policies_of_packaging_ram_and_both_kinds_of_instances_have_the_role()
    {
        var role = Properties("ControllerRole");
        Assert.True(JsonNode.DeepEquals(Templates.Json("ram", "trust-policy.json"), role["AssumeRolePolicyDocument"]), "trust policy");
        Assert.True(JsonNode.DeepEquals(Templates.Json("ram", "controller-policy.json"),
            Assert.Single(role["Policies"]!.AsArray())!["PolicyDocument"]), "policy");
        Assert.All(["Etcd", "Node"],
            (Action<string>)(name => Assert.Equal("ControllerRole", (string?)Properties(name)["RamRoleName"]!["Fn::GetAtt"]![0])));
    }

    [Fact]
    public void The_security_group_allows_container_traffic()
    {
        var rule = Assert.Single(Properties("SecurityGroup")["SecurityGroupIngress"]!.AsArray())!;
        Assert.Equal(("all", "-1/-1", "accept", "PodCidr"),
            ((string?)rule["IpProtocol"], (string?)rule["PortRange"], (string?)rule["Policy"], (string?)rule["SourceCidrIp"]!["Ref"]));
    }

    private static JsonNode Properties(string resource) => template["Resources"]![resource]!["Properties"]!;

    private static string TypeOf(string resource) => (string)template["Resources"]![resource]!["Type"]!;

    private static IEnumerable<string> Names(string section) => template[section]!.AsObject().Select(pair => pair.Key);

    /// <summary>References by Ref, Fn::GetAtt, Fn::Sub and DependsOn, without those in the user data.</summary>
    private static IEnumerable<string> References(JsonNode node) =>
    [
        .. Calls(node, "Ref").Select(name => (string)name!),
        .. Calls(node, "DependsOn").SelectMany(names => names is JsonArray list ? list.Select(name => (string)name!) : [(string)names!]),
        .. Calls(node, "Fn::GetAtt").Select(call => (string)call[0]!),
        .. Calls(node, "Fn::Sub").SelectMany(text => Variable().Matches((string)text!)).Select(variable => variable.Groups[1].Value),
    ];

    private static IEnumerable<JsonNode> Calls(JsonNode? node, string function) => node switch
    {
        JsonObject map => map.SelectMany(pair => pair.Key == function ? [pair.Value!] : Calls(pair.Value, function)),
        JsonArray list => list.SelectMany(item => Calls(item, function)),
        _ => [],
    };

    [GeneratedRegex(@"\$\{([^}]+)\}")]
    private static partial Regex Variable();
}
