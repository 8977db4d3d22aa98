using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Flannel.EndToEnd.Tests;
using Flannel.Packaging.Tests.Cloud;
using Flannel.Testbed;
using k8s;
using k8s.Models;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Flannel.Packaging.Tests.Container;

/// <summary>packaging/helm/flanneld, rendered with Go's text/template and sprig, as Helm renders it. Debian has no Helm.</summary>
public sealed partial class ChartTests
{
    private const string Go = "/usr/bin/go";
    private const string Libraries = "/usr/share/gocode";

    private static readonly string chart = Path.Combine(Locations.Repository(), "packaging", "helm", "flanneld");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_default_objects_are_those_of_the_manifest_without_the_namespace()
    {
        var manifest = Manifest();
        Assert.IsType<V1Namespace>(manifest[0]);
        Assert.Equal(Sorted(manifest.Skip(1)), Sorted(await RenderAsync("""{"image":{"tag":""}}""", "flannel")));
        Assert.Equal(Sorted(manifest), Sorted(await RenderAsync("""{"namespace":{"create":true}}""", "flannel")));
    }

    [Fact]
    public async Task All_objects_are_in_the_namespace_of_the_release()
    {
        var rendered = await RenderAsync("""{"namespace":{"create":true},"podMonitor":{"enabled":false}}""", "kube-network");
        Assert.All(rendered.OfType<IKubernetesObject<V1ObjectMeta>>().Where(item => item.Metadata.NamespaceProperty is not null),
            item => Assert.Contains(item.Metadata.NamespaceProperty, new[] { "kube-network", "default" }));
        Assert.All(rendered.OfType<V1RoleBinding>().SelectMany(binding => binding.Subjects)
            .Concat(rendered.OfType<V1ClusterRoleBinding>().SelectMany(binding => binding.Subjects)),
            subject => Assert.Equal("kube-network", subject.NamespaceProperty));
    }

    [Fact]
    public async Task Masquerading_and_RRSA_are_added_to_the_daemon()
    {
        var rendered = await RenderAsync(
            """
            {
              "masquerade": true, "healthzPort": 9000, "env": {"FLANNELD_V": "1"},
              "rrsa": {
                "enabled": true, "roleArn": "acs:ram::1234567890123456:role/flanneld",
                "oidcProviderArn": "acs:ram::1234567890123456:oidc-provider/ack-rrsa-c0123"
              }
            }
            """, "flannel");
        var pod = rendered.OfType<V1DaemonSet>().Single().Spec.Template.Spec;
        var daemon = pod.Containers.Single();
        Assert.EndsWith("-tools", daemon.Image, StringComparison.Ordinal);
        Assert.Equal(["NET_ADMIN"], daemon.SecurityContext.Capabilities.Add);
        Assert.Equal(9000, daemon.Ports.Single().ContainerPort);
        var variables = daemon.Env.ToDictionary(variable => variable.Name, variable => variable.Value);
        Assert.Equal(("true", "9000", "1"),
            (variables["FLANNELD_IP_MASQ"], variables["FLANNELD_HEALTHZ_PORT"], variables["FLANNELD_V"]));
        Assert.Equal("acs:ram::1234567890123456:role/flanneld", variables["ALIBABA_CLOUD_ROLE_ARN"]);
        Assert.Equal("acs:ram::1234567890123456:oidc-provider/ack-rrsa-c0123", variables["ALIBABA_CLOUD_OIDC_PROVIDER_ARN"]);
        var mount = daemon.VolumeMounts.Single(mount => mount.Name == "rrsa");
        var token = pod.Volumes.Single(volume => volume.Name == "rrsa").Projected.Sources.Single().ServiceAccountToken;
        Assert.Equal("sts.aliyuncs.com", token.Audience);
        Assert.Equal($"{mount.MountPath}/{token.Path}", variables["ALIBABA_CLOUD_OIDC_TOKEN_FILE"]);
    }

    [Fact]
    public async Task A_digest_replaces_the_tag_and_the_network_is_that_of_the_values()
    {
        var digest = $"sha256:{new string('0', 64)}";
        var rendered = await RenderAsync(
            $$"""{"image":{"digest":"{{digest}}" },"network":{"Network":"10.24.0.0/16","Backend":{"Fallback":"vxlan"} } }""", "flannel");
        Assert.Equal($"registry.example.com/flanneld@{digest}",
            rendered.OfType<V1DaemonSet>().Single().Spec.Template.Spec.Containers.Single().Image);
        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","Fallback":"vxlan"}}"""),
            JsonNode.Parse(rendered.OfType<V1ConfigMap>().Single().Data["net-conf.json"])));
    }

    [Fact]
    public async Task The_pod_monitor_is_that_of_the_repository()
    {
        var text = (await RenderTextAsync("""{"podMonitor":{"enabled":true}}""", "flannel")).Split("---\n")
            .Single(document => document.Contains("kind: PodMonitor", StringComparison.Ordinal));
        var file = File.ReadAllText(Path.Combine(Locations.Repository(), "packaging", "container", "podmonitor.yaml"));
        Assert.True(JsonNode.DeepEquals(Templates.Yaml(file), Templates.Yaml(text)), text);
    }

    [Fact]
    public void The_schema_has_every_value_and_its_type()
    {
        var schema = JsonNode.Parse(File.ReadAllText(Path.Combine(chart, "values.schema.json")))!;
        AssertFits(schema, Values(), "values");

        static void AssertFits(JsonNode schema, JsonNode? value, string path)
        {
            if (schema["type"]?.GetValue<string>() is { } type) Assert.True(type == TypeOf(value), $"{path} is not of type {type}");
            if (value is not JsonObject members || schema["properties"] is not JsonObject properties) return;
            foreach (var (name, member) in members)
            {
                Assert.True(properties[name] is not null, $"{path}.{name} is not in the schema");
                AssertFits(properties[name]!, member, $"{path}.{name}");
            }
        }

        static string TypeOf(JsonNode? value) => value?.GetValueKind() switch
        {
            System.Text.Json.JsonValueKind.Object => "object",
            System.Text.Json.JsonValueKind.String => "string",
            System.Text.Json.JsonValueKind.Number => "integer",
            System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False => "boolean",
            var kind => $"{kind}",
        };
    }

    private static List<object> Manifest() => Load(
        File.ReadAllText(Path.Combine(Locations.Repository(), "packaging", "kubernetes", "flanneld.yaml")));

    private static List<object> Load(string text) => KubernetesYaml.LoadAllFromString(text, strict: true);

    /// <summary>One text for each object. Text in the ConfigMap is JSON: the templates sort its members and indent it in their own
    /// way.</summary>
    private static IEnumerable<string> Sorted(IEnumerable<object> objects) => objects.Select(item =>
    {
        if (item is V1ConfigMap config) config.Data["net-conf.json"] = Sorted(JsonNode.Parse(config.Data["net-conf.json"])!).ToJsonString();
        return KubernetesYaml.Serialize(item);
    }).Order(StringComparer.Ordinal);

    private static JsonNode Sorted(JsonNode node) => node is JsonObject members
        ? new JsonObject(members.OrderBy(member => member.Key, StringComparer.Ordinal)
            .Select(member => KeyValuePair.Create(member.Key, member.Value is null ? null : (JsonNode?)Sorted(member.Value))))
        : node.DeepClone();

    private static JsonNode Values()
    {
        var stream = new YamlStream();
        using var reader = new StreamReader(Path.Combine(chart, "values.yaml"));
        stream.Load(reader);
        return ToJson(stream.Documents.Single().RootNode)!;
    }

    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(
            map.Children.Select(pair => KeyValuePair.Create(((YamlScalarNode)pair.Key).Value!, ToJson(pair.Value)))),
        // Numbers and booleans are the same in JSON.
        YamlScalarNode { Style: ScalarStyle.Plain, Value: var text } when PlainJson().IsMatch(text!) => JsonNode.Parse(text!),
        YamlScalarNode scalar => JsonValue.Create(scalar.Value),
        _ => throw new InvalidOperationException($"values.yaml has a {node.NodeType}"),
    };

    /// <summary>Without the documents of templates that give nothing.</summary>
    private static async Task<List<object>> RenderAsync(string values, string ns) => Load(string.Join("\n---\n",
        $"\n{await RenderTextAsync(values, ns)}".Split("\n---\n").Where(document => document.Trim().Length > 0)));

    private static async Task<string> RenderTextAsync(string values, string ns)
    {
        Require.Program(Go);
        Assert.SkipUnless(Directory.Exists(Path.Combine(Libraries, "src", "github.com", "Masterminds", "sprig")),
            "no sprig: the Debian package is golang-github-masterminds-sprig-dev");
        using var folder = new RunFolder("chart");
        var about = Templates.Yaml(File.ReadAllText(Path.Combine(chart, "Chart.yaml")));
        var input = new JsonObject
        {
            ["Values"] = Merge(Values(), JsonNode.Parse(values)!),
            // As Helm names the members.
            ["Chart"] = new JsonObject { ["AppVersion"] = about["appVersion"]!.GetValue<string>() },
        };
        // sprig's path has a version, which Go finds without modules only for a program with a go.mod.
        var program = Directory.CreateDirectory(Path.Combine(folder.Path, "src", "render_chart")).FullName;
        File.Copy(Path.Combine(Locations.Repository(), "eng", "render_chart.go"), Path.Combine(program, "render_chart.go"));
        await File.WriteAllTextAsync(Path.Combine(program, "go.mod"), "module render_chart\n", Cancel);
        var start = new ProgramStart(Go, ["run", "render_chart", Path.Combine(chart, "templates"), ns])
        {
            Environment = new Dictionary<string, string>
            {
                ["GO111MODULE"] = "off",
                ["GOPATH"] = $"{folder.Path}:{Libraries}",
                ["PATH"] = "/usr/bin:/bin",
                ["HOME"] = folder.Path,
                ["GOCACHE"] = Path.Combine(Locations.Repository(), "artifacts", "go-cache"),
            },
        };
        var rendered = await ProcessCommand.TryRunAsync(start, Cancel, input.ToJsonString());
        Assert.True(rendered.ExitCode == 0, rendered.Error);
        return rendered.Output;
    }

    /// <summary>The first with the members of the second, as Helm merges values.</summary>
    private static JsonNode Merge(JsonNode values, JsonNode over)
    {
        foreach (var (name, member) in over.AsObject())
        {
            values[name] = member is JsonObject && values[name] is JsonObject former
                ? Merge(former.DeepClone(), member)
                : member?.DeepClone();
        }
        return values;
    }

    [GeneratedRegex("^(true|false|[0-9]+)$")]
    private static partial Regex PlainJson();
}
