#compdef flanneld
# Completion of flanneld for zsh. The unit tests compare it with the flags of the daemon.

_flanneld() {
    local -a commands flags words_after
    local output='--output=[output format]:output:(table wide json yaml)'
    local color='--color=[colors in tables]:color:(auto always never)'
    commands=(
        "status:show this node\: lease, route, route controller, subnet file, daemon"
        "leases:list the leases of the cluster with their routes and expiry"
        "check:check everything that this node needs, and report what is missing"
        "config:read, check and write the network configuration"
        "release:release the subnet and the route of this node for good"
        "routes:list the route entries inside the network and their owners"
        "healthcheck:exit 0 if the daemon on --healthz-port is ready"
        "cleanup:remove the firewall rules of flanneld from this host"
        "bugreport:write one file for a bug report, without secrets"
        "completion:print the completion script of a shell"
        "version:print the version"
        "help:explain a command"
    )
    flags=(
        '--etcd-endpoints=[URLs of the etcd members, separated by commas]:URLS:'
        '--etcd-prefix=[prefix of all keys in etcd]:KEY:'
        '--etcd-cafile=[certificate authority of the etcd servers (default\: those of the system)]:FILE:_files'
        '--etcd-certfile=[client certificate; requires --etcd-keyfile]:FILE:_files'
        '--etcd-keyfile=[private key of the client certificate]:FILE:_files'
        '--etcd-username=[etcd user]:NAME:'
        '--etcd-password=[visible to every user of this host\: prefer --etcd-password-file]:PASSWORD:'
        '--etcd-password-file=[file that contains only the password]:FILE:_files'
        '--kube-subnet-mgr[contact the Kubernetes API for subnet assignment instead of etcd]'
        '--kube-api-url=[Kubernetes API server; not needed if flannel runs in a pod]:URL:'
        '--kubeconfig-file=[kubeconfig file; not needed if flannel runs in a pod]:FILE:_files'
        '--kube-annotation-prefix=[prefix of the annotations of nodes, with a slash or without]:PREFIX:'
        '--net-config-path=[path to the network configuration file]:FILE:_files'
        '--set-node-network-unavailable[set NodeNetworkUnavailable after ready]'
        '*--iface=[interface between the nodes; repeatable, the first match is used (default\: the interface of the default route)]:NAME or IP:_net_interfaces'
        '*--iface-regex=[the first interface whose address or name matches; repeatable; tried after --iface]:REGEX:'
        '--iface-can-reach=[the interface that '\''ip route get IP'\'' names; after --iface-regex]:IP:'
        '--public-ip=[address by which other nodes reach this node (default\: that of the interface)]:IP:'
        '--public-ipv6=[IPv6 address by which other nodes reach this one]:IP:'
        '--subnet-file=[file for Docker and CNI; it exists while the subnet may be used]:FILE:_files'
        '--install-cni=[write the conflist for CNI to this folder while the subnet may be used]:DIR:_files -/'
        '--install-cni-conf=[conflist for --install-cni (default\: bridge, host-local and portmap)]:FILE:_files'
        '--subnet-lease-renew-margin=[minutes before its end at which a lease is renewed, 1 to 1439]:MINUTES:'
        '--ip-masq[masquerade traffic that leaves the network (needs CAP_NET_ADMIN)]'
        '*--ip-masq-exclude=[IPv4 networks whose hosts see the addresses of the containers; repeatable]:NETWORKS:'
        '--ip-masq-fully-random-disable[masquerade without random ports]'
        '--iptables-forward-rules[accept forwarded packets of the network (needs iptables and CAP_NET_ADMIN)]'
        '--iptables-resync=[seconds between checks of the firewall rules, 1 to 86400; 0 is never]:SECONDS:'
        '--mtu=[MTU of the containers, 68 to 65535]:BYTES:'
        '--set-sysctls[set the kernel settings that the traffic of containers needs (needs CAP_NET_ADMIN)]'
        '--route-controller=[whether this node may be elected as route controller]:route-controller:(auto never)'
        '--route-resync=[seconds between comparisons of route tables and leases, 1 to 86400]:SECONDS:'
        '--dry-run[print the plan for the route tables, or of config set, write nothing, exit]'
        '--access-key-file=[file with an access key (default\: usually the RAM role of the instance)]:FILE:_files'
        '--metadata-endpoint=[metadata service of the instance]:URL:'
        '--vpc-endpoint=[VPC API (default\: https, VPC-internal host of the region)]:URL:'
        '--ecs-endpoint=[ECS API (default\: https, VPC-internal host of the region)]:URL:'
        '--sts-endpoint=[STS API, for assumed roles only (default\: https, VPC-internal host of the region)]:URL:'
        '--quotas-endpoint=[Quotas API (default\: quotas.aliyuncs.com; no calls with --vpc-endpoint)]:URL:'
        '--healthz-ip=[address of /healthz, /readyz and /metrics]:IP:'
        '--healthz-port=[port of /healthz, /readyz and /metrics; 0 is off]:PORT:'
        '--log-format=[default\: systemd if started by systemd, else text]:log-format:(text systemd json)'
        '--v=[log level\: 0 state changes, 1 details, 2 also route plans, 4 every call]:LEVEL:'
        '--help[print this help and exit]'
        '--version[print the version and exit]'
    )
    case ${words[2]} in
        status | leases) flags+=($output $color) ;;
        check) flags+=($output $color '--strict[exit 1 also for warnings and for what could not be checked]') ;;
        routes)
            if [[ ${words[3]} == clean ]]; then
                flags+=(
                    '2: :(clean)'
                    $color
                    '--stale[the routes of this cluster that no lease matches]'
                    '--unmanaged[the routes without a mark that no lease matches]'
                    '--of=[the routes of another cluster, by the id in its mark]:CLUSTER:'
                    '--yes[do not ask for a confirmation]'
                )
            else
                flags+=('2: :(clean)' $output $color '--watch[print again on every change, until Ctrl-C]')
            fi
            ;;
        release) flags+=('--wait=[seconds to wait for the route controller, 0 to 3600]:SECONDS:' '--force[release even while the daemon runs; waits only with --wait]') ;;
        bugreport) flags+=('--file=[the file to write; - is standard output]:FILE:_files') ;;
        config) words_after=('2:command:(get validate set)') ;;
        cleanup) flags+=('--all[remove the rules of all networks, and VXLAN devices]') ;;
    esac
    case "${words[2]} ${words[3]}" in
        "config get") flags+=($output $color) ;;
        "config validate") words_after+=('3:FILE:_files') ;;
        "config set")
            flags+=('--yes[do not ask for a confirmation]' '--force[write even if leases do not fit, or ranges overlap]')
            words_after+=('3:FILE:_files')
            ;;
    esac
    _arguments -S '1: :{ if [[ ${words[CURRENT]} != -* ]]; then _describe command commands; fi }' $words_after $flags
}

_flanneld "$@"
