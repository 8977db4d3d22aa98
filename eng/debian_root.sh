#!/usr/bin/env bash
# debian_root.sh [plain | cloud | bare [SUITE]]: a root file system of Debian for tests. Prints its folder, below artifacts/.
#   plain   a small machine with systemd (Flannel.Testbed's SystemdMachine)
#   cloud   one with cloud-init, as an image of ECS has it, and etcd, which its user-data would install from a mirror
#   bare    a fresh machine, for test-verbs: essential packages, apt, and what the .NET SDK depends on
# Made once by mmdebstrap, of SUITE or this machine's own release, from where this machine's packages come; made anew when this recipe
# changes.
# Nobody writes to it: each machine gets an overlay of its own.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
# shellcheck source=eng/lib.sh
. eng/lib.sh

AUTHORITIES=/usr/local/share/ca-certificates

kind=${1:-plain} suite=${2:-}
case $kind in
    # systemd-sysv: reboot and poweroff as people type them. nftables: what --ip-masq calls. rpm: installs the other package.
    # curl: the README installs with it.
    plain) PACKAGES=systemd,systemd-sysv,iproute2,iputils-ping,ca-certificates,curl,nftables,rpm ;;
    cloud) PACKAGES=systemd,systemd-sysv,iproute2,ca-certificates,cloud-init,etcd-server,etcd-client ;;
    # https://learn.microsoft.com/dotnet/core/install/linux-debian#dependencies; the pattern is libicu72 or whatever this release has.
    bare) PACKAGES='ca-certificates,libssl3,libstdc++6,tzdata,zlib1g,?name(^libicu[0-9]+$)' ;;
    *) fail "no root file system '$kind': plain, cloud or bare" ;;
esac

read -r codename uri < <(debian_source) || fail "apt on this machine has no source of a Debian release: no root file system can be made"
suite=${suite:-$codename}
sources=("deb $uri $suite main")
settings=$(apt_settings)
trusted=none
hooks=()
# shellcheck disable=SC2016 # mmdebstrap fills in $1
if [ "$kind" = bare ]; then
    security=$(debian_uri "$codename-security")
    [ -z "$security" ] || sources+=("deb $security $suite-security main")
    # As on this machine: which authorities are trusted.
    if compgen -G "$AUTHORITIES/*.crt" >/dev/null; then
        trusted=$(cat "$AUTHORITIES"/*.crt | sha256sum)
        hooks+=(--customize-hook='cp -L '"$AUTHORITIES"'/*.crt "$1'"$AUTHORITIES"'/" && chroot "$1" update-ca-certificates')
    fi
    # It is thrown away soon: nothing needs to be safe on the disk.
    hooks+=(--customize-hook='echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/unsafe-io"')
else
    # These machines have their own network, and reach none of this machine's proxies.
    hooks+=(--customize-hook='rm "$1/etc/apt/apt.conf.d/99mmdebstrap"')
fi
key=$({ cat eng/debian_root.sh; printf '%s\n' "${sources[@]}" "$settings" "$trusted"; } | sha256sum | cut -c 1-16)
roots=$ARTIFACTS/debian-root
name=$kind-$suite
folder=$roots/$name-$key
mkdir -p "$roots"

# Several tests, and several runs of them, may ask at once.
exec 9>"$roots/.lock"
flock 9
if [ ! -e "$folder" ]; then
    making=$roots/.making-$name
    rm -rf "$making"
    printf '%s\n' "$settings" >"$roots/.apt.conf"
    # shellcheck disable=SC2016 # mmdebstrap fills in $1
    # The journal outlives a reboot, so that a test may read what was before it.
    LC_ALL=C.UTF-8 mmdebstrap --quiet --mode=root --variant=minbase --include="$PACKAGES" --aptopt="$roots/.apt.conf" \
        "${hooks[@]}" --customize-hook='mkdir -p "$1/var/log/journal"' \
        --customize-hook='rm -f "$1/etc/machine-id" "$1/etc/hostname" "$1/etc/resolv.conf"' \
        "$suite" "$making" "${sources[@]}" >"$roots/mmdebstrap.log" 2>&1 </dev/null || {
        tail -n 20 "$roots/mmdebstrap.log" >&2
        rm -rf "$making"
        fail "mmdebstrap made no root file system"
    }
    find "$roots" -mindepth 1 -maxdepth 1 -type d -name "$name-*" -exec rm -rf {} +
    mv "$making" "$folder"
fi
printf '%s\n' "$folder"
