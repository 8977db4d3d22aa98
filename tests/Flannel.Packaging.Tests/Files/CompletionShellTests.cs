using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Files;

/// <summary>The completions for fish and zsh, run in these shells; tests/Flanneld.Tests tests the one for bash.</summary>
public sealed class CompletionShellTests
{
    // An interactive zsh in a pseudo-terminal that receives the line and Tab.
    private const string ZshSession = """
        zmodload zsh/zpty
        zpty -b shell 'zsh -f -i'
        wait_for() {
            output='' text=''
            for ((tries = 0; tries < 300; tries++)); do
                while zpty -r -t shell text; do output+=$text; done
                if [[ $output == *$1* ]]; then return; fi
                sleep 0.1
            done
            print -u 2 -r -- "no $1 in: $output"
            exit 1
        }
        zpty -w shell "PS1=; PS2=; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D"
        zpty -w shell "zstyle ':completion:*' menu no; LISTMAX=9999; print READ''Y"
        wait_for READY
        zpty -w -n shell "$2"$'\t'
        wait_for "$3"
        zpty -d shell
        print -r -- "$output"
        """;

    [Theory]
    [InlineData("flanneld ", "status leases routes check config release cleanup healthcheck bugreport completion version help")]
    [InlineData("flanneld config ", "get validate set")]
    [InlineData("flanneld config set --ye", "--yes")]
    [InlineData("flanneld bugreport --fi", "--file")]
    [InlineData("flanneld completion ", "bash zsh fish")]
    [InlineData("flanneld --log-format=", "--log-format=text --log-format=systemd --log-format=json")]
    [InlineData("flanneld check --out", "--output")]
    [InlineData("flanneld release --wa", "--wait")]
    [InlineData("flanneld --rem", "")]
    [InlineData("flanneld routes --w", "--watch")]
    [InlineData("flanneld routes cl", "clean")]
    [InlineData("flanneld routes clean --stale", "--stale")]
    public async Task Fish_completes(string line, string expected)
    {
        var output = await Run.OutputAsync("fish", "--no-config", "-c", $"source {Completion("flanneld.fish")}; complete -C '{line}'");
        // fish 4 also offers words that contain the typed text elsewhere; only those that start with it are compared.
        var typed = line[(line.LastIndexOf(' ') + 1)..];
        var offered = Run.Lines(output).Select(word => word.Split('\t')[0]).Where(word => word.StartsWith(typed, StringComparison.Ordinal));
        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(), offered.Order());
    }

    [Theory]
    [InlineData("flanneld ", "healthcheck")]
    [InlineData("flanneld --route-controller=", "never")]
    [InlineData("flanneld --etcd-c", "--etcd-certfile")]
    [InlineData("flanneld check --outp", "--output=")]
    [InlineData("flanneld routes clean --unm", "--unmanaged")]
    [InlineData("flanneld config ", "validate")]
    [InlineData("flanneld config set --for", "--force")]
    public async Task Zsh_completes(string line, string expected)
    {
        using var folder = new RunFolder("zsh");
        File.Copy(Completion("flanneld.zsh"), Path.Combine(folder.Path, "_flanneld"));
        var output = await Run.OutputAsync("zsh", "-f", "-c", ZshSession, "zsh", folder.Path, line, expected);
        Assert.Contains(expected, output);
        Assert.DoesNotContain("_arguments:", output);
    }

    private static string Completion(string name) => Path.Combine(Locations.Repository(), "packaging/completions", name);
}
