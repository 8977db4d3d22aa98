using Flannel.Testbed;

namespace Flanneld.Tests.Packaging;

/// <summary>The completion, in a real bash.</summary>
public sealed class BashCompletionTests
{
    [Theory]
    [InlineData("flanneld|ch", "check")]
    [InlineData("flanneld|rou", "routes")]
    [InlineData("flanneld|--route-", "--route-controller --route-resync")]
    [InlineData("flanneld|--route-controller|", "auto never")]
    [InlineData("flanneld|--route-controller|=|ne", "never")]
    [InlineData("flanneld|--log-format|=", "text systemd json")]
    [InlineData("flanneld|-log-format|s", "systemd")]
    [InlineData("flanneld|--etcd-prefix|", "")]
    [InlineData("flanneld|--iface|l", "lo")]
    // A flag of one command is offered for that command only.
    [InlineData("flanneld|check|--out", "--output")]
    [InlineData("flanneld|check|--output|=|j", "json")]
    [InlineData("flanneld|--out", "")]
    [InlineData("flanneld|release|--w", "--wait")]
    [InlineData("flanneld|routes|cl", "clean")]
    [InlineData("flanneld|routes|--w", "--watch")]
    [InlineData("flanneld|routes|clean|--stale", "--stale")]
    [InlineData("flanneld|routes|clean|--o", "--of")]
    [InlineData("flanneld|routes|--stale", "")]
    [InlineData("flanneld|status|--color|=|al", "always")]
    // A replaced flag is not offered.
    [InlineData("flanneld|routes|--rem", "")]
    [InlineData("flanneld|help|routes|", "clean")]
    [InlineData("flanneld|config|", "get validate set")]
    [InlineData("flanneld|config|get|--out", "--output")]
    [InlineData("flanneld|config|set|--y", "--yes")]
    [InlineData("flanneld|config|set|/etc/host", "/etc/hostname /etc/hosts")]
    [InlineData("flanneld|help|config|", "get validate set")]
    [InlineData("flanneld|bugreport|--fi", "--file")]
    // Only the first argument is a command.
    [InlineData("flanneld|--ip-masq|che", "")]
    [InlineData("flanneld|--etcd-cafile|/etc/host", "/etc/hostname /etc/hosts")]
    public async Task The_completion_offers(string words, string expected)
    {
        const string script = """
            . "$1"
            IFS='|' read -r -a COMP_WORDS <<<"$2"
            [[ $2 != *'|' ]] || COMP_WORDS+=('')
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _flanneld
            printf '%s\n' "${COMPREPLY[@]}"
            """;
        var start = new ProgramStart("/bin/bash", ["-c", script, "bash", Texts.Path("completions", "flanneld.bash"), words]);
        var output = await ProcessCommand.RunAsync(start, TestContext.Current.CancellationToken);
        var found = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Superset(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToHashSet(), found.ToHashSet());
        if (!expected.StartsWith('/') && expected != "lo") Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries), found);
    }
}
