#!/usr/bin/env bash
# debian_root.sh [cloud]: a small Debian with systemd for tests that want a whole machine (Flannel.Testbed's SystemdMachine); "cloud" is one with
# cloud-init, as an image of ECS has it, and etcd, which its user-data would install from a mirror. Prints its folder, below artifacts/.
# Made once by mmdebstrap, of this machine's own release and from where its packages come; made anew when this recipe changes.
# Nobody writes to it: each machine gets an overlay of its own.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
# shellcheck source=eng/lib.sh
. eng/lib.sh

# systemd-sysv: reboot and poweroff as people type them. nftables: what --ip-masq calls. rpm: installs the other package. curl: the README installs with it.
PACKAGES=systemd,systemd-sysv,iproute2,iputils-ping,ca-certificates,curl,nftables,rpm

kind=${1:-plain}
case $kind in
    plain) ;;
    cloud) PACKAGES=systemd,systemd-sysv,iproute2,ca-certificates,cloud-init,etcd-server,etcd-client ;;
    *) fail "no root file system '$kind': cloud, or nothing" ;;
esac

read -r codename uri < <(debian_source) || fail "apt on this machine has no source of a Debian release: no root file system can be made"
key=$({ cat eng/debian_root.sh; printf '%s\n' "$codename"; } | sha256sum | cut -c 1-16)
roots=$ARTIFACTS/debian-root
folder=$roots/$kind-$key
mkdir -p "$roots"

# Several tests, and several runs of them, may ask at once.
exec 9>"$roots/.lock"
flock 9
if [ ! -e "$folder" ]; then
    making=$roots/.making-$kind
    rm -rf "$making"
    # shellcheck disable=SC2016 # mmdebstrap fills in $1
    # The journal outlives a reboot, so that a test may read what was before it.
    LC_ALL=C.UTF-8 mmdebstrap --quiet --mode=root --variant=minbase --include="$PACKAGES" \
        --customize-hook='mkdir -p "$1/var/log/journal"' \
        --customize-hook='rm -f "$1/etc/machine-id" "$1/etc/hostname" "$1/etc/resolv.conf"' \
        "$codename" "$making" "$uri" >"$roots/mmdebstrap.log" 2>&1 </dev/null || {
        tail -n 20 "$roots/mmdebstrap.log" >&2
        rm -rf "$making"
        fail "mmdebstrap made no root file system"
    }
    find "$roots" -mindepth 1 -maxdepth 1 -type d -name "$kind-*" -exec rm -rf {} +
    mv "$making" "$folder"
fi
printf '%s\n' "$folder"
