using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.Architecture.Tests;

/// <summary>Every code block for a shell says how it is tested, and that test exists. CONTRIBUTING.md explains the kinds.</summary>
public partial class DocumentedBlockTests
{
    private static readonly string s_repository = Locations.Repository();

    /// <summary>The kinds, and whether the blocks of a page need a test of their own: then <see cref="s_tests"/> names it.</summary>
    private static readonly Dictionary<string, bool> s_kinds = new()
    {
        ["run"] = true,
        ["kubectl"] = true,
        ["cloud"] = false,
        ["build"] = false,
        ["text"] = false,
    };

    /// <summary>The test class of the blocks of a page with a comment, such as <c>run rpm</c>. Its source names page and
    /// scenario.</summary>
    private static readonly Dictionary<(string Page, string Comment), string> s_tests = new()
    {
        [("README.md", "run")] = "ReadmeTests",
        [("README.md", "run repository")] = "RepositoryPageTests",
        [("README.md", "run rpm")] = "RpmPageTests",
        [("docs/quick-start.md", "run")] = "QuickStartTests",
        [("docs/docker.md", "run")] = "QuickStartTests",
        [("docs/containerd-cni.md", "run")] = "QuickStartTests",
        [("docs/plain-host.md", "run")] = "PlainHostPageTests",
        [("docs/vxlan.md", "run")] = "PlainHostPageTests",
        [("docs/kubernetes.md", "run")] = "QuickStartTests",
        [("docs/kubernetes.md", "kubectl")] = "KubectlPageTests",
        [("docs/kubernetes.md", "kubectl etcd")] = "KubectlPageTests",
        [("docs/kubernetes.md", "kubectl migration")] = "KubectlPageTests",
        [("docs/migration.md", "run")] = "MigrationPageTests",
        [("docs/upgrade.md", "run")] = "QuickStartTests",
        [("docs/upgrade.md", "run repository")] = "RepositoryPageTests",
        [("docs/upgrade.md", "run rpm")] = "RpmPageTests",
        [("docs/security.md", "run")] = "QuickStartTests",
        [("docs/troubleshooting.md", "run")] = "QuickStartTests",
        [("docs/failure-modes/README.md", "run")] = "QuickStartTests",
        [("docs/reference/logs.md", "run")] = "QuickStartTests",
        [("docs/reference/metrics.md", "run")] = "QuickStartTests",
        [("packaging/container/README.md", "run")] = "ImagePageTests",
        [("packaging/container/README.md", "run podman")] = "ImageRunTests",
    };

    [Fact]
    public void Every_block_says_how_it_is_tested()
    {
        var unknown = Blocks().Where(block => !s_kinds.ContainsKey(block.Block.Kind))
            .Select(block => $"{block.Page}:{block.Block.Line}: '{block.Block.Kind}'");
        Assert.Empty(unknown);
        Assert.True(Blocks().Count() > 80);
        var contributing = File.ReadAllText(Path.Combine(s_repository, "CONTRIBUTING.md"));
        Assert.All(s_kinds.Keys, kind => Assert.Contains($"| `{kind}` |", contributing, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_block_that_is_run_has_a_test_that_names_its_page()
    {
        var needed = Blocks().Where(block => s_kinds.GetValueOrDefault(block.Block.Kind))
            .Select(block => (block.Page, Comment: $"{block.Block.Kind} {block.Block.Scenario}".TrimEnd())).ToHashSet();
        Assert.Equal(needed.Order(), s_tests.Keys.Order());
        var sources = Directory.GetFiles(Path.Combine(s_repository, "tests"), "*Tests.cs", SearchOption.AllDirectories)
            .ToLookup(Path.GetFileNameWithoutExtension, File.ReadAllText);
        Assert.All(s_tests, test =>
        {
            var source = Assert.Single(sources[test.Value]);
            // Path.Combine may have its parts.
            Assert.All(test.Key.Page.Split('/'), part => Assert.Contains(part, source, StringComparison.Ordinal));
            if (test.Key.Comment.Split(' ') is [_, var scenario]) Assert.Contains($"\"{scenario}\"", source, StringComparison.Ordinal);
        });
    }

    /// <summary>Commands in a block of kind <c>text</c>, or in another language, would not be tested. A line of output may begin with the
    /// name of flanneld, but not with one of its commands.</summary>
    [Fact]
    public void A_block_that_is_not_tested_has_no_commands()
    {
        var blocks = AllBlocks().ToLookup(block => block.Block.IsShell && block.Block.Kind != "text");
        var programs = blocks[true].SelectMany(block => LinesOf(block.Block)).Select(ProgramOf).Where(name => name.Length > 0).ToHashSet();
        Assert.Superset(new HashSet<string> { "flanneld status", "flanneld routes", "systemctl", "ip", "docker", "kubectl" }, programs);
        var hidden = from block in blocks[false]
                     from line in LinesOf(block.Block)
                     where programs.Contains(ProgramOf(line))
                     select $"{block.Page}:{block.Block.Line}: {line}";
        Assert.Empty(hidden);
    }

    [Fact]
    public void What_commands_for_contributors_name_exists()
    {
        var build = File.ReadAllText(Path.Combine(s_repository, "build.sh"));
        var verbs = BuildVerb().Matches(build).Select(verb => verb.Groups[1].Value).ToHashSet();
        var programs = string.Concat(Sources("*.sh").Concat(Sources("*.cs")).Select(File.ReadAllText));
        var tests = Sources("*.cs").ToLookup(Path.GetFileNameWithoutExtension, File.ReadAllText);
        Assert.All(Lines("build"), line =>
        {
            var named = 0;
            Check(Verb(), verb => verbs.Contains(verb[1].Value));
            Check(Variable(), variable => programs.Contains(variable[1].Value, StringComparison.Ordinal));
            Check(Project(), project => Directory.Exists(Path.Combine(s_repository, "tests", project[1].Value)));
            Check(TestClass(), type => tests.Contains(type[1].Value));
            Check(TestMethod(), method =>
                tests[method[1].Value].Any(text => text.Contains($" {method[2].Value}", StringComparison.Ordinal)));
            Check(Hooks(), folder => Directory.Exists(Path.Combine(s_repository, folder[1].Value)));
            Assert.True(named > 0, $"not checked: {line}");

            void Check(Regex pattern, Func<GroupCollection, bool> exists)
            {
                foreach (Match match in pattern.Matches(line))
                {
                    Assert.True(exists(match.Groups), $"{match.Value} in: {line}");
                    named++;
                }
            }
        });
    }

    /// <summary>CliCommandTests checks the parameters of aliyun, ReleaseScriptTests runs release.sh, and TerraformApplyTests
    /// terraform.</summary>
    [Fact]
    public void What_commands_for_the_cloud_name_is_tested()
    {
        var cli = Sources("CliCommandTests.cs").Select(File.ReadAllText).Single();
        var etcd = File.ReadAllText(Path.Combine(s_repository, "packaging", "cloud-init", "etcd.yaml"));
        var terraform = File.ReadAllText(Path.Combine(s_repository, "packaging", "terraform", "README.md"));
        Assert.All(Lines("cloud"), line => Assert.True(line.Split(' ') switch
        {
            ["aliyun", var service, var action, ..] => cli.Contains($"\"{service} {action}\"", StringComparison.Ordinal),
            ["packaging/cloud-init/release.sh", var region, .. var instances] =>
                region.StartsWith("cn-", StringComparison.Ordinal) && instances.All(id => id.StartsWith("i-", StringComparison.Ordinal)),
            ["terraform", "init" or "apply" or "destroy"] => true,
            ["terraform", "apply", "-var", var value] =>
                terraform.Contains($"variable \"{value.Split('=')[0]}\"", StringComparison.Ordinal),
            ["mkdir", "-p", var folder, "&&", "cd", var entered] => folder == entered,
            ["curl", "-fLO", var url] => etcd.Contains(Path.GetFileName(url).Split('-')[1].TrimStart('v'), StringComparison.Ordinal),
            _ => false,
        }, line));
    }

    private static IEnumerable<string> Sources(string pattern) => new[] { "eng", "packaging", "tests", "deb", "rpm" }
        .SelectMany(folder => Directory.GetFiles(Path.Combine(s_repository, folder), pattern, SearchOption.AllDirectories));

    private static IEnumerable<string> Lines(string kind) =>
        Blocks().Where(block => block.Block.Kind == kind).SelectMany(block => LinesOf(block.Block));

    private static string[] LinesOf(MarkdownBlock block) => block.Text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n');

    /// <summary>The program that a command line starts; of flanneld with its command. Empty for a line that is no command.</summary>
    private static string ProgramOf(string line) => Program().Match(line).Groups[1].Value;

    private static IEnumerable<(string Page, MarkdownBlock Block)> Blocks() => AllBlocks().Where(block => block.Block.IsShell);

    private static IEnumerable<(string Page, MarkdownBlock Block)> AllBlocks() =>
        from page in Pages()
        from block in MarkdownBlocks.Read(Path.Combine(s_repository, page))
        select (page, block);

    /// <summary>The pages for users and contributors. TranslationTests compares translations with their sources.</summary>
    private static IEnumerable<string> Pages() =>
        Directory.GetFiles(s_repository, "*.md")
            .Concat(Directory.GetFiles(Path.Combine(s_repository, "docs"), "*.md", SearchOption.AllDirectories))
            .Concat(Directory.GetFiles(Path.Combine(s_repository, "packaging"), "*.md", SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(s_repository, path))
            .Where(page => page != "CHANGELOG.md" && !page.Contains("zh-CN", StringComparison.Ordinal));

    [GeneratedRegex(@"^\s*(?:\$ )?(flanneld \w+|(?:\./)?[a-z][\w./-]*)(?=\s|$)")]
    private static partial Regex Program();

    /// <summary>A row of the table of verbs.</summary>
    [GeneratedRegex(@"(?m)^([a-z][a-z-]*) +\| ")]
    private static partial Regex BuildVerb();

    [GeneratedRegex(@"\./build\.sh ([\w-]+)")]
    private static partial Regex Verb();

    [GeneratedRegex(@"(?:^|&& )([A-Z_]+)=")]
    private static partial Regex Variable();

    [GeneratedRegex(@"\b(?:tests|msbuild/bin)/([\w.]+)")]
    private static partial Regex Project();

    [GeneratedRegex("-class \"\\*(\\w+)\"")]
    private static partial Regex TestClass();

    [GeneratedRegex("-method \"\\*(\\w+)\\.(\\w+?)\\*?\"")]
    private static partial Regex TestMethod();

    [GeneratedRegex(@"core\.hooksPath (\S+)")]
    private static partial Regex Hooks();
}
