using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>The base of tests that run the code blocks of a page in a machine, as an operator types them.</summary>
/// <remarks>What a page writes for a value of the reader is replaced by a value of the test, and what asks a person gets an answer. Nothing
/// else is changed.</remarks>
public abstract class DocumentedMachineTest : MachineTest
{
    /// <summary>The present folder of the operator.</summary>
    protected const string Home = "/root";

    /// <summary>The password that is typed when etcdctl asks for one.</summary>
    protected const string Password = "of-the-test";

    /// <summary>Answers of a person. journalctl exits with 1 if no line matches; -f and tcpdump run until Ctrl-C.</summary>
    private static readonly (string Text, string Replacement)[] answers =
    [
        (@"^etcdctl user add (\w+)$", $"printf '{Password}\\n{Password}\\n' | etcdctl user add $1"),
        ("^(flanneld routes clean .*)$", "printf 'y\\n' | script -qec '$1' /dev/null"),
        ("^(journalctl .*--grep .*)$", "$1 || [ $$? = 1 ]"),
        ("^(journalctl .*) -f$", "$1 --lines=1"),
        ("^tcpdump ", "tcpdump -d "),
    ];

    /// <summary>Puts the deb under its own name into the present folder, lets the service use the simulated API, and answers apt and dpkg:
    /// yes, and keep the changed settings.</summary>
    protected async Task PrepareAsync(SystemdMachine? machine = null)
    {
        machine ??= Machine;
        File.Copy(Packages.Deb, Path.Combine(PackageFolder, Path.GetFileName(Packages.Deb)), overwrite: true);
        await machine.WriteAsync(
            "/etc/apt/apt.conf.d/99answers", "APT::Get::Assume-Yes \"true\";\nDpkg::Options {\"--force-confold\";};\n", Cancel);
        await machine.WriteAsync(
            "/etc/systemd/system/flanneld.service.d/test.conf",
            $"[Service]\nEnvironment=FLANNELD_VPC_ENDPOINT={VpcTopology.ApiEndpoint} FLANNELD_ECS_ENDPOINT={VpcTopology.ApiEndpoint}\n",
            Cancel);
        await machine.RunAsync($"cp /packages/*_*.deb {Home} && systemctl daemon-reload", Cancel);
    }

    /// <summary>Lets Docker of the machine have the image busybox, which the pages take from a registry.</summary>
    protected async Task LoadBusyboxAsync(SystemdMachine machine)
    {
        const string busybox = "/bin/busybox";
        Assert.SkipUnless(File.Exists(busybox), $"no {busybox} on this machine: ./build.sh test-packages installs it");
        File.Copy(busybox, Path.Combine(PackageFolder, "busybox"), overwrite: true);
        await machine.RunAsync(
            "mkdir -p /tmp/image/bin && cd /tmp/image && mkdir dev etc proc sys tmp && cp /packages/busybox bin"
            + " && for name in sh sleep ping; do ln -s busybox bin/$name; done && tar -c . | docker import - busybox:latest", Cancel);
    }

    /// <summary>The blocks of a page that are run, of one scenario, in their order.</summary>
    /// <param name="page">Below the repository.</param>
    protected static IReadOnlyList<MarkdownBlock> Blocks(string page, string scenario = "")
    {
        var blocks = MarkdownBlocks.Read(Path.Combine(Locations.Repository(), page))
            .Where(block => block.IsShell && block.Kind == "run" && block.Scenario == scenario).ToList();
        Assert.True(blocks.Count > 0, $"{page} has no block 'run {scenario}'");
        return blocks;
    }

    /// <summary>Runs the blocks of a page.</summary>
    protected async Task RunPageAsync(string page, string scenario = "", params (string Text, string Value)[] values)
    {
        foreach (var block in Blocks(page, scenario)) await RunAsync(block, values: values);
    }

    /// <summary>Runs a block in the folder with the package. Every line must succeed.</summary>
    /// <param name="values">Those of the page that are replaced by those of the test, where they occur.</param>
    protected async Task<string> RunAsync(
        MarkdownBlock block, SystemdMachine? machine = null, params IReadOnlyList<(string Text, string Value)> values)
    {
        var text = block.Text.Replace("_amd64.deb", $"_{Packages.Architecture}.deb", StringComparison.Ordinal)
            .Replace(".x86_64.rpm", $".{Packages.RpmArchitecture}.rpm", StringComparison.Ordinal);
        foreach (var (from, to) in values) text = text.Replace(from, to, StringComparison.Ordinal);
        var lines = text.Split('\n').Select(line => answers.Aggregate(
            line, (typed, answer) => System.Text.RegularExpressions.Regex.Replace(typed, answer.Text, answer.Replacement)));
        return await (machine ?? Machine).RunAsync($"set -e\ncd {Home}\n{string.Join('\n', lines)}", Cancel);
    }
}
