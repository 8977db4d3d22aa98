# shellcheck shell=bash
# ./build.sh test-hosts: Docker, podman, containerd and the plugins of CNI on the subnets of flanneld. Sourced by build.sh.
#
# The programs are those of Debian's releases, unpacked below artifacts/hosts and not installed. They run in the network namespaces of the
# test bed (HostMachine in tests/Flannel.Testbed).

HOST_TESTS=Flannel.Hosts.Tests
# Without the first release and the common programs nothing is tested. Another one that cannot be fetched is left out: the Release file of
# sid may be out of date.
HOST_FOLDERS=(common docker-20.10 docker-26.1 docker-28.5 cni podman)
# Those of the few tests that the verb test runs.
# shellcheck disable=SC2034 # used in eng/test.sh
QUICK_HOST_FOLDERS=(common docker-20.10 cni podman)

# Debian's release and the packages of a folder.
host_packages() { # FOLDER
    case $1 in
        common)
            echo bookworm runc busybox-static libdevmapper1.02.1 libseccomp2 libcap2 libgpgme11 libassuan0 libgpg-error0 libsubid4 \
                libglib2.0-0
            ;;
        docker-20.10) echo bookworm docker.io containerd ;;
        docker-26.1) echo trixie docker.io docker-cli containerd ;;
        docker-28.5) echo sid docker.io docker-cli containerd ;;
        # The last release with the flannel plugin.
        cni) echo bullseye containernetworking-plugins ;;
        # The last release with CNI as its network backend.
        podman) echo bookworm podman conmon ;;
        *) fail "eng/hosts.sh has no packages for '$1'" ;;
    esac
}

verb_test_hosts() {
    local start
    start=$(milliseconds)
    [ "$(id -u)" -eq 0 ] || fail "test-hosts creates network namespaces and mounts; run it as root"
    need_dotnet
    start_results test-hosts
    fetch_hosts "${HOST_FOLDERS[@]}" || fail "common or docker-20.10 could not be fetched"
    if check publish verb_publish; then
        step "Building $HOST_TESTS" compile "tests/$HOST_TESTS/$HOST_TESTS.csproj"
        step "Running $HOST_TESTS" run_project "$HOST_TESTS" -maxThreads 4
        collect_project "$HOST_TESTS"
    fi
    summarize "$start"
}

# Sets HOST_ARGUMENTS: the arguments that leave out the tests of folders that are not named, and of those that cannot be fetched. Unless all
# folders are named, only the quick tests run.
fetch_hosts() { # FOLDER...
    local name folder packages architecture
    architecture=$(machine_architecture)
    export FLANNEL_TEST_HOSTS=$ARTIFACTS/hosts
    HOST_ARGUMENTS=()
    for name in "${HOST_FOLDERS[@]}"; do
        if [[ " $* " != *" $name "* ]]; then HOST_ARGUMENTS+=(-trait- "needs=$name"); fi
    done
    if [ "${#HOST_ARGUMENTS[@]}" -ne 0 ]; then HOST_ARGUMENTS+=(-preEnumerateTheories -trait quick=true); fi
    for name in "$@"; do
        folder=$ARTIFACTS/hosts/$name
        if [ -d "$folder" ]; then continue; fi
        read -ra packages < <(host_packages "$name")
        if ! step "Fetching $name from ${packages[0]}" fetch_packages "${packages[0]}" "$architecture" "$folder" "${packages[@]:1}"; then
            case $name in common | docker-20.10) return 1 ;; esac
            say "    ${packages[0]} is not available: $name is not tested"
            HOST_ARGUMENTS+=(-trait- "needs=$name")
        fi
    done
    make_host_image "$ARTIFACTS/hosts/image"
}

# The content of the containers: busybox, and a page that returns the address of the client.
make_host_image() { # FOLDER
    rm -rf "$1"
    mkdir -p "$1"/{bin,proc,sys,dev,etc,tmp,www/cgi-bin}
    cp "$ARTIFACTS/hosts/common/bin/busybox" "$1/bin/busybox"
    ln -s busybox "$1/bin/sh"
    # shellcheck disable=SC2016 # for the script
    printf '%s\n' '#!/bin/sh' 'printf "Content-Type: text/plain\r\n\r\n%s\n" "$REMOTE_ADDR"' >"$1/www/cgi-bin/source"
    chmod 755 "$1/www/cgi-bin/source"
}
