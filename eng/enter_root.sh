#!/usr/bin/env bash
# enter_root.sh [--bind FOLDER:INSIDE]… ROOT SCRATCH CLONE COMMAND…: runs COMMAND as on a machine that has ROOT as its disk
# (eng/debian_root.sh makes one), this machine's .NET SDK, its network, CLONE in /src, where COMMAND starts, and each FOLDER at INSIDE.
# Its exit code is ours.
#
# ROOT, one folder or several layers with colons between, stays as it is: what COMMAND changes goes into SCRATCH/upper. SCRATCH is on a
# file system that can be the upper layer of an overlay. Names, mounts and processes are in namespaces of their own, and what COMMAND
# leaves running ends with it, or with the process that called this script. As root.
set -euo pipefail

# Settings that the clients of package registries need here.
PASSED=(http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY NUGET_CERT_REVOCATION_MODE CI)

mount_root() { # ROOT SCRATCH CLONE: sets root
    local sdk
    root=$2/root
    mkdir -p "$2"/{upper,work,root,tmp,sdk,sdk-work}
    chmod 1777 "$2/tmp"
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$root"
    mkdir -p "$root"/{src,usr/share/dotnet}
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    # COMMAND may mount overlays too, and none can have its upper layer on another.
    mount --bind "$2/tmp" "$root/tmp"
    mount --bind "$3" "$root/src"
    sdk=$(dirname "$(readlink -f "$(command -v dotnet)")")
    # The SDK writes into its folder.
    mount -t overlay overlay -o "lowerdir=$sdk,upperdir=$2/sdk,workdir=$2/sdk-work" "$root/usr/share/dotnet"
    ln -sf ../share/dotnet/dotnet "$root/usr/bin/dotnet"
}

# As on this machine: how names are resolved, where NuGet's packages come from.
copy_network_settings() {
    local config=${HOME:-/root}/.nuget/NuGet/NuGet.Config
    cp -L --remove-destination /etc/resolv.conf /etc/hosts "$root/etc/"
    mkdir -p "$root/root/.nuget/NuGet"
    [ ! -e "$config" ] || cp "$config" "$root/root/.nuget/NuGet/"
}

# Not chroot: within one, COMMAND could make no container.
change_root() {
    local old=$root/.old
    mkdir -p "$old"
    cd "$root"
    pivot_root . .old
    cd /src
    umount --lazy /.old
    rmdir /.old
}

if [ "${1:-}" != --inside ]; then
    exec setpriv --pdeathsig KILL unshare --mount --propagation private --uts --ipc --pid --fork --kill-child=KILL \
        "${BASH_SOURCE[0]}" --inside "$@"
fi
shift
binds=()
while [ "$1" = --bind ]; do binds+=("$2"); shift 2; done
mount_root "$1" "$2" "$3"
for bind in "${binds[@]}"; do
    mkdir -p "$root${bind#*:}"
    mount --bind "${bind%%:*}" "$root${bind#*:}"
done
copy_network_settings
environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root)
for name in "${PASSED[@]}"; do [ -z "${!name+set}" ] || environment+=("$name=${!name}"); done
change_root
hash -r
shift 3
env --ignore-environment "${environment[@]}" "$@" </dev/null
