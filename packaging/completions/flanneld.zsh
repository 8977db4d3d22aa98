#compdef flanneld
# Completion of flanneld for zsh. tests/Flanneld.Unit.Tests hold it against the daemon's own list of flags.

_flanneld() {
    local -a commands flags
    commands=(
        "check:look at everything that this node needs, and say what is missing"
        "release:give this node's subnet and route back for good"
        "routes:list the route entries inside the network"
        "healthcheck:exit 0 when the daemon on --healthz-port is ready"
    )
    flags=(
        '--etcd-endpoints=[comma-separated URLs of etcd'\''s members]:URLS:'
        '--etcd-prefix=[where the network'\''s configuration and leases are]:KEY:'
        '--etcd-cafile=[certificate authority of etcd'\''s servers (default\: the system'\''s)]:FILE:_files'
        '--etcd-certfile=[client certificate, with --etcd-keyfile]:FILE:_files'
        '--etcd-keyfile=[key of the client certificate]:FILE:_files'
        '--etcd-username=[user of etcd]:NAME:'
        '--etcd-password=[visible to every user of this host\: rather --etcd-password-file]:PASSWORD:'
        '--etcd-password-file=[file that holds the password alone]:FILE:_files'
        '*--iface=[interface between the hosts; repeatable, the first match counts (default\: the default route'\''s)]:NAME or IP:_net_interfaces'
        '*--iface-regex=[the first interface whose address or name matches; repeatable; after --iface]:REGEX:'
        '--iface-can-reach=[the interface that '\''ip route get IP'\'' names; after --iface-regex]:IP:'
        '--public-ip=[address by which other nodes reach this one (default\: the interface'\''s)]:IP:'
        '--public-ipv6=[IPv6 address to publish beside it]:IP:'
        '--subnet-file=[file for Docker and CNI; it exists while the subnet may be used]:FILE:_files'
        '--subnet-lease-renew-margin=[how long before its end a lease is renewed, 1 to 1439]:MINUTES:'
        '--ip-masq[masquerade what leaves the network (needs nft and CAP_NET_ADMIN)]'
        '--route-controller=[whether this node may be elected to write the routes of all nodes]:route-controller:(auto never)'
        '--route-resync=[how often the route tables are compared with the leases, 1 to 86400]:SECONDS:'
        '--dry-run[print what would be done to the route tables, write nothing, exit]'
        '--access-key-file=[file with an access key (default\: mostly the instance'\''s RAM role)]:FILE:_files'
        '--metadata-endpoint=[the instance'\''s metadata service]:URL:'
        '--vpc-endpoint=[VPC API (default\: https, the region'\''s VPC-internal host)]:URL:'
        '--ecs-endpoint=[ECS API (default\: https, the region'\''s VPC-internal host)]:URL:'
        '--sts-endpoint=[STS API, asked for assumed roles only (default\: https, the region'\''s VPC-internal host)]:URL:'
        '--quotas-endpoint=[Quotas API (default\: quotas.aliyuncs.com, and none with --vpc-endpoint)]:URL:'
        '--healthz-ip=[address of /healthz, /readyz and /metrics]:IP:'
        '--healthz-port=[port of /healthz, /readyz and /metrics; 0 is off]:PORT:'
        '--log-format=[default\: systemd when started by it, else text]:log-format:(text systemd json)'
        '--v=[how much is logged\: 0 the changes, 1 and above also the steps, 4 and above every call]:LEVEL:'
        '--help[print this and exit]'
        '--version[print the version and exit]'
    )
    case ${words[2]} in
        check) flags+=('--output=[for people, or for programs]:output:(table json)') ;;
        routes) flags+=(
            '--remove-leftovers[delete the entries that it lists as leftover]'
            '--delete-stale[delete the stale routes of this cluster now]'
            '--remove-routes-of=[delete the routes of another cluster, by the id in its mark]:CLUSTER:'
        ) ;;
        release) flags+=('--wait=[how long the route controller is waited for, 0 to 3600]:SECONDS:' '--force[even while the daemon runs]') ;;
    esac
    _arguments -S '1: :{ if [[ ${words[CURRENT]} != -* ]]; then _describe command commands; fi }' $flags
}

_flanneld "$@"
