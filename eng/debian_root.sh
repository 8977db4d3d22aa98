#!/usr/bin/env bash
# debian_root.sh [plain | cloud | pages | bare [SUITE]]: creates a root file system of Debian for tests below artifacts/, and prints where.
#   plain   a small machine with systemd (SystemdMachine in Flannel.Testbed)
#   cloud   a machine with cloud-init, like an image of ECS, and with etcd, which its user-data would install from a mirror
#   pages   a machine for the commands of the pages: what they install from a mirror, and the programs that they call
#   bare    a machine for test-verbs: essential packages, apt, and the dependencies of the .NET SDK
# mmdebstrap creates it from this machine's sources of packages, of SUITE or of this machine's release. It is created again only when this
# script or the sources change. It is read-only by convention: each machine has an overlay over it.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
# shellcheck source=eng/lib.sh
. eng/lib.sh

AUTHORITIES=/usr/local/share/ca-certificates

kind=${1:-plain} suite=${2:-}
case $kind in
    # systemd-sysv: the commands reboot and poweroff. nftables, iptables: firewall rules. rpm: the rpm package.
    # curl: the steps of README.md.
    plain) PACKAGES=systemd,systemd-sysv,iproute2,iputils-ping,ca-certificates,curl,nftables,iptables,rpm ;;
    cloud) PACKAGES=systemd,systemd-sysv,iproute2,ca-certificates,cloud-init,etcd-server,etcd-client ;;
    # The pages install etcd and docker.io. dnf: the commands for rpm distributions. docker-registry: that of the user.
    pages)
        PACKAGES=systemd,systemd-sysv,dbus,iproute2,iputils-ping,ca-certificates,curl,nftables,iptables,rpm,dnf,etcd-server,etcd-client
        PACKAGES+=,docker.io,docker-registry,kubernetes-client,skopeo,jq,tcpdump
        ;;
    # https://learn.microsoft.com/dotnet/core/install/linux-debian#dependencies; the pattern matches libicu72 in Debian 12.
    bare) PACKAGES='ca-certificates,libssl3,libstdc++6,tzdata,zlib1g,?name(^libicu[0-9]+$)' ;;
    *) fail "unknown root file system '$kind'; use plain, cloud, pages or bare" ;;
esac

read -r codename uri < <(debian_source) || fail "cannot create a root file system: apt has no source of a Debian release"
suite=${suite:-$codename}
sources=("deb $uri $suite main")
settings=$(apt_settings)
trusted=none
hooks=()
# shellcheck disable=SC2016 # mmdebstrap fills in $1
if [ "$kind" = bare ]; then
    security=$(debian_uri "$codename-security")
    [ -z "$security" ] || sources+=("deb $security $suite-security main")
    # The same certificate authorities as on this machine.
    if compgen -G "$AUTHORITIES/*.crt" >/dev/null; then
        trusted=$(cat "$AUTHORITIES"/*.crt | sha256sum)
        hooks+=(--customize-hook='cp -L '"$AUTHORITIES"'/*.crt "$1'"$AUTHORITIES"'/" && chroot "$1" update-ca-certificates')
    fi
    # It is temporary and need not survive a crash.
    hooks+=(--customize-hook='echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/unsafe-io"')
else
    # These machines have their own network, without the proxies of this machine.
    hooks+=(--customize-hook='rm "$1/etc/apt/apt.conf.d/99mmdebstrap"')
fi
key=$({ cat eng/debian_root.sh; printf '%s\n' "${sources[@]}" "$settings" "$trusted"; } | sha256sum | cut -c 1-16)
roots=$ARTIFACTS/debian-root
name=$kind-$suite
folder=$roots/$name-$key
mkdir -p "$roots"

# Several tests may run this script at once.
exec 9>"$roots/.lock"
flock 9
if [ ! -e "$folder" ]; then
    making=$roots/.making-$name
    rm -rf "$making"
    printf '%s\n' "$settings" >"$roots/.apt.conf"
    # shellcheck disable=SC2016 # mmdebstrap fills in $1
    # /var/log/journal: the journal survives a reboot, and tests read it.
    LC_ALL=C.UTF-8 mmdebstrap --quiet --mode=root --variant=minbase --include="$PACKAGES" --aptopt="$roots/.apt.conf" \
        "${hooks[@]}" --customize-hook='mkdir -p "$1/var/log/journal"' \
        --customize-hook='rm -f "$1/etc/machine-id" "$1/etc/hostname" "$1/etc/resolv.conf"' \
        "$suite" "$making" "${sources[@]}" >"$roots/mmdebstrap.log" 2>&1 </dev/null || {
        tail -n 20 "$roots/mmdebstrap.log" >&2
        rm -rf "$making"
        fail "mmdebstrap failed; its last lines are above"
    }
    find "$roots" -mindepth 1 -maxdepth 1 -type d -name "$name-*" -exec rm -rf {} +
    mv "$making" "$folder"
fi
printf '%s\n' "$folder"
