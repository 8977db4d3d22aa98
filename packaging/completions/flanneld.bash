# Completion of flanneld for bash. The unit tests compare it with the flags of the daemon.
# shellcheck shell=bash

_flanneld() {
    local current=${COMP_WORDS[COMP_CWORD]} previous='' command='' word flag values flags
    COMPREPLY=()

    # Bash breaks words at '=': --flag=value comes as three.
    if [ "$COMP_CWORD" -gt 0 ]; then previous=${COMP_WORDS[COMP_CWORD - 1]}; fi
    if [ "$current" = = ]; then
        current='' previous=${COMP_WORDS[COMP_CWORD - 1]}
    elif [ "$previous" = = ] && [ "$COMP_CWORD" -gt 1 ]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi

    for word in "${COMP_WORDS[@]:1:1}"; do
        case $word in
            status | leases | routes | check | config | release | cleanup | healthcheck | bugreport | completion | version | help)
                command=$word
                ;;
        esac
    done
    if [ "$command" = config ] && [ "$COMP_CWORD" -gt 2 ]; then command="config ${COMP_WORDS[2]}"; fi

    case $previous in
        -*)
            values=''
            flag=${previous#-} flag=${flag#-}
            case $flag in
                route-controller) values='auto never' ;;
                log-format) values='text systemd json' ;;
                output) values='table wide json yaml' ;;
                color) values='auto always never' ;;
                iface)
                    for word in /sys/class/net/*; do values+=" ${word##*/}"; done
                    ;;
                etcd-cafile | etcd-certfile | etcd-keyfile | etcd-password-file | kubeconfig-file | net-config-path | subnet-file | install-cni-conf | access-key-file | file)
                    compopt -o filenames 2>/dev/null
                    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
                    return
                    ;;
                etcd-endpoints | etcd-prefix | etcd-username | etcd-password | kube-api-url | kube-annotation-prefix | iface-regex | iface-can-reach | public-ip | public-ipv6 | \
                    subnet-lease-renew-margin | mtu | route-resync | metadata-endpoint | vpc-endpoint | ecs-endpoint | sts-endpoint | quotas-endpoint | wait | of | \
                    healthz-ip | healthz-port | ip-masq-exclude | iptables-resync | v)
                    return
                    ;;
            esac
            if [ -n "$values" ]; then
                while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$values" -- "$current")
                return
            fi
            ;;
    esac

    flags='--etcd-endpoints --etcd-prefix --etcd-cafile --etcd-certfile --etcd-keyfile --etcd-username --etcd-password --etcd-password-file
        --kube-subnet-mgr --kube-api-url --kubeconfig-file --kube-annotation-prefix --net-config-path --set-node-network-unavailable
        --iface --iface-regex --iface-can-reach --public-ip --public-ipv6 --subnet-file --install-cni --install-cni-conf
        --subnet-lease-renew-margin --ip-masq
        --ip-masq-exclude --ip-masq-fully-random-disable --iptables-forward-rules --iptables-resync
        --mtu --set-sysctls
        --route-controller --route-resync --dry-run --access-key-file --metadata-endpoint --vpc-endpoint --ecs-endpoint --sts-endpoint
        --quotas-endpoint --healthz-ip --healthz-port --log-format --v --help --version'
    case $command in
        status | leases | 'config get') flags+=' --output --color' ;;
        check) flags+=' --output --color --strict' ;;
        routes)
            if [ "${COMP_WORDS[2]}" = clean ] && [ "$COMP_CWORD" -gt 2 ]; then
                flags+=' --stale --unmanaged --of --yes --color'
            else
                flags+=' --output --color --watch'
            fi
            ;;
        'config set') flags+=' --yes --force' ;;
        release) flags+=' --wait --force' ;;
        bugreport) flags+=' --file' ;;
        cleanup) flags+=' --all' ;;
    esac
    if [ "$COMP_CWORD" -eq 1 ]; then
        flags+=' status leases routes check config release cleanup healthcheck bugreport completion version help'
    elif [ "$command" = config ]; then
        flags='get validate set'
    elif [ "$command" = help ] && [ "$COMP_CWORD" -gt 2 ]; then
        flags=''
        case ${COMP_WORDS[2]} in
            config) flags='get validate set' ;;
            routes) flags='clean' ;;
        esac
    elif [[ $command == 'config validate' || $command == 'config set' ]] && [[ $current != -* ]]; then
        compopt -o filenames 2>/dev/null
        while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
        return
    elif [ "$command" = completion ]; then
        flags='bash zsh fish'
    elif [ "$command" = routes ] && [ "$COMP_CWORD" -eq 2 ]; then
        flags+=' clean'
    elif [ "$command" = help ]; then
        flags='status leases routes check config release cleanup healthcheck bugreport completion version'
    fi
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$flags" -- "$current")
}

complete -F _flanneld flanneld
