namespace Flannel.HostNetwork.Tests.Vxlan;

/// <summary>What iproute2 6.1.0 (Debian 12) printed on Linux 6.18, after upstream's commands and ours.</summary>
internal static class IprouteSamples
{
    /// <summary><c>ip -json -details address show dev flannel.1</c>.</summary>
    public const string Device =
        """
        [{"ifindex":3,"ifname":"flannel.1","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1450,"qdisc":"noqueue","operstate":"UNKNOWN","group":"default","txqlen":1000,"link_type":"ether","address":"4e:da:78:e9:03:bb","broadcast":"ff:ff:ff:ff:ff:ff","promiscuity":0,"allmulti":0,"min_mtu":68,"max_mtu":65535,"linkinfo":{"info_kind":"vxlan","info_data":{"id":1,"local":"10.1.0.2","link":"vxa0","port_range":{"low":0,"high":0},"port":8472,"learning":false,"ttl":0,"df":"unset","ageing":300,"udp_csum":true,"udp_zero_csum6_tx":false,"udp_zero_csum6_rx":false}},"num_tx_queues":1,"num_rx_queues":1,"gso_max_size":65536,"gso_max_segs":65535,"tso_max_size":524280,"tso_max_segs":65535,"gro_max_size":65536,"addr_info":[{"family":"inet","local":"10.24.1.0","prefixlen":32,"scope":"global","label":"flannel.1","valid_life_time":4294967295,"preferred_life_time":4294967295},{"family":"inet6","local":"fe80::4cda:78ff:fee9:3bb","prefixlen":64,"scope":"link","tentative":true,"valid_life_time":4294967295,"preferred_life_time":4294967295}]}]
        """;

    /// <summary>The same of a device with <c>gbp</c> and <c>learning</c>, which is down.</summary>
    public const string DeviceWithPolicy =
        """
        [{"ifindex":4,"ifname":"flannel.3","flags":["BROADCAST","MULTICAST"],"mtu":1450,"qdisc":"noop","operstate":"DOWN","linkmode":"DEFAULT","group":"default","txqlen":1000,"link_type":"ether","address":"66:41:98:61:21:27","broadcast":"ff:ff:ff:ff:ff:ff","promiscuity":0,"allmulti":0,"min_mtu":68,"max_mtu":65535,"linkinfo":{"info_kind":"vxlan","info_data":{"id":3,"local":"10.1.0.2","link":"vxa0","port_range":{"low":0,"high":0},"port":8472,"learning":true,"ttl":0,"df":"unset","ageing":300,"udp_csum":true,"udp_zero_csum6_tx":false,"udp_zero_csum6_rx":false,"gbp":true}},"inet6_addr_gen_mode":"eui64","num_tx_queues":1,"num_rx_queues":1,"gso_max_size":65536,"gso_max_segs":65535,"tso_max_size":524280,"tso_max_segs":65535,"gro_max_size":65536}]
        """;

    /// <summary><c>ip -json -4 neighbor show dev flannel.1</c>.</summary>
    public const string Neighbors =
        """[{"dst":"10.24.4.0","lladdr":"0e:aa:bb:cc:dd:04","state":["PERMANENT"]},{"dst":"10.24.2.0","lladdr":"0e:aa:bb:cc:dd:02","state":["STALE"]},{"dst":"10.24.5.0","state":["FAILED"]}]""";

    /// <summary><c>bridge -json fdb show dev flannel.1</c>.</summary>
    public const string Fdb =
        """[{"mac":"0e:aa:bb:cc:dd:02","dst":"10.1.0.3","flags":["self"],"state":"permanent"},{"mac":"0e:aa:bb:cc:dd:07","dst":"10.1.0.7","flags":["self"],"state":""},{"mac":"00:00:00:00:00:00","dst":"10.1.0.9","flags":["self"],"state":"permanent"},{"mac":"33:33:00:00:00:01","flags":["self"],"state":"permanent"}]""";

    /// <summary><c>ip -json -4 route show table main root 10.24.0.0/16</c>.</summary>
    public const string Routes =
        """[{"dst":"10.24.2.0/24","gateway":"10.24.2.0","dev":"flannel.1","protocol":"142","flags":["onlink"]},{"dst":"10.24.3.0/24","gateway":"10.1.0.3","dev":"vxa0","protocol":"142","flags":[]},{"dst":"10.24.1.0/24","dev":"docker0","protocol":"kernel","scope":"link","prefsrc":"10.24.1.1","flags":[]},{"dst":"10.24.9.0/24","gateway":"10.24.9.0","dev":"flannel.1","metric":5,"flags":["onlink"]},{"dst":"10.24.8.7","gateway":"10.1.0.8","dev":"vxa0","flags":[]}]""";
}
