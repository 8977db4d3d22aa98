using Flannel.Core.Addresses;
using Flannel.HostNetwork.Firewall;

namespace Flannel.HostNetwork.Tests.Firewall;

public sealed class ForwardTraceTests
{
    private static readonly ForwardedPacket Packet =
        new("eth0", "docker0", Ipv4Address.Parse("10.24.9.2"), Ipv4Address.Parse("10.24.5.2"));

    /// <summary>As iptables-save printed it for Docker 28.5 with --iptables-forward-rules of flanneld, shortened.</summary>
    private const string Docker28 = """
        *raw
        :PREROUTING ACCEPT [0:0]
        -A PREROUTING -d 10.24.5.2/32 ! -i docker0 -j DROP
        -A PREROUTING -d 172.18.0.2/32 ! -i br-1 -j DROP
        COMMIT
        *filter
        :FORWARD DROP [0:0]
        :DOCKER - [0:0]
        :DOCKER-BRIDGE - [0:0]
        :DOCKER-CT - [0:0]
        :DOCKER-FORWARD - [0:0]
        :DOCKER-USER - [0:0]
        -A FORWARD -j DOCKER-USER
        -A FORWARD -j DOCKER-FORWARD
        -A DOCKER ! -i docker0 -o docker0 -j DROP
        -A DOCKER-BRIDGE -o docker0 -j DOCKER
        -A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A DOCKER-FORWARD -j DOCKER-CT
        -A DOCKER-FORWARD -j DOCKER-BRIDGE
        -A DOCKER-FORWARD -i docker0 -j ACCEPT
        COMMIT

        """;

    [Theory]
    [InlineData("", true)]
    [InlineData(":FORWARD ACCEPT [0:0]\n", true)]
    [InlineData(":FORWARD DROP [0:0]\n", false)]
    [InlineData(":FORWARD ACCEPT [0:0]\n-A FORWARD -p tcp -m tcp --dport 22 -j DROP\n", true)]
    [InlineData(":FORWARD DROP [0:0]\n-A FORWARD ! -d 10.24.0.0/16 -j ACCEPT\n", false)]
    [InlineData(":FORWARD DROP [0:0]\n-A FORWARD -i docker0 -j ACCEPT\n", false)]
    [InlineData(":FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n", false)]
    [InlineData(":FORWARD DROP [0:0]\n:A - [0:0]\n-A FORWARD -j A\n-A A -d 10.24.5.0/24 -j RETURN\n-A A -j ACCEPT\n", false)]
    public void Without_a_rule_that_matches_the_policy_decides(string rules, bool isAccepted) => Assert.Equal(
        new ForwardResult(isAccepted, $"the policy of FORWARD is {(isAccepted ? "ACCEPT" : "DROP")}"),
        ForwardTrace.Parse("*filter\n" + rules).Follow(Packet));

    [Theory]
    [InlineData("DROP", "FORWARD -d 10.24.0.0/16 -j ACCEPT", true)]
    [InlineData("DROP", "FORWARD -i eth+ -o docker0 -j ACCEPT", true)]
    [InlineData("DROP", "FORWARD -m conntrack --ctstate NEW -j ACCEPT", true)]
    [InlineData("DROP", "A -s 10.24.0.0/16 -m comment --comment \"flanneld forward -x\" -j ACCEPT", true)]
    [InlineData("ACCEPT", "FORWARD -j REJECT --reject-with icmp-host-prohibited", false)]
    public void The_first_rule_that_matches_a_new_connection_decides(string policy, string rule, bool isAccepted) => Assert.Equal(
        new ForwardResult(isAccepted, $"the rule '-A {rule}'"),
        ForwardTrace.Parse(
            $"*filter\n:FORWARD {policy} [0:0]\n:A - [0:0]\n-A FORWARD -i lo -j ACCEPT\n"
            + $"-A FORWARD -m comment --comment \"to A\" -j A\n-A {rule}\n").Follow(Packet));

    [Fact]
    public void Docker_28_drops_what_DOCKER_USER_does_not_accept()
    {
        Assert.Equal(
            new ForwardResult(false, "the rule '-A DOCKER ! -i docker0 -o docker0 -j DROP'"), ForwardTrace.Parse(Docker28).Follow(Packet));
        const string later = "-A DOCKER-FORWARD -j DOCKER-CT";
        var accepted = Docker28.Replace(later, $"-A DOCKER-USER -d 10.24.0.0/16 -j ACCEPT\n{later}", StringComparison.Ordinal);
        Assert.Equal(
            new ForwardResult(true, "the rule '-A DOCKER-USER -d 10.24.0.0/16 -j ACCEPT'"), ForwardTrace.Parse(accepted).Follow(Packet));
    }

    [Fact]
    public void Rules_in_raw_that_drop_packets_to_containers_are_found() => Assert.Equal(
        ["-d 10.24.5.2/32 ! -i docker0 -j DROP"], ForwardTrace.Parse(Docker28).FindRawDrops(Ipv4Network.Parse("10.24.5.0/24")));

    [Fact]
    public void Chains_of_nft_that_iptables_does_not_own_are_found() => Assert.Equal(
        ["inet firewalld filter_FORWARD (policy drop)", "ip docker-bridges filter-FORWARD (policy accept)"],
        NftForwardChain.Parse(
            """
            table ip filter {
            	chain FORWARD {
            		type filter hook forward priority filter; policy drop;
            	}
            }
            table ip6 other {
            	chain f {
            		type filter hook forward priority filter; policy drop;
            	}
            }
            table inet firewalld {
            	chain filter_INPUT {
            		type filter hook input priority filter + 10; policy drop;
            	}
            	chain filter_FORWARD {
            		type filter hook forward priority filter + 10; policy drop;
            	}
            }
            table ip docker-bridges {
            	chain filter-FORWARD {
            		type filter hook forward priority filter
            	}
            }

            """).Select(chain => chain.ToString()));

    [Fact]
    public void A_loop_of_chains_ends() => Assert.False(
        ForwardTrace.Parse("*filter\n:FORWARD DROP [0:0]\n:A - [0:0]\n-A FORWARD -j A\n-A A -j A\n").Follow(Packet).IsAccepted);
}
