#!/usr/bin/env bash
# enter_root.sh [--bind FOLDER:INSIDE]... ROOT SCRATCH CLONE COMMAND...
# Runs COMMAND on a machine whose disk is ROOT (eng/debian_root.sh creates one), with the .NET SDK and the network of this machine, CLONE in
# /src, and each FOLDER at INSIDE. COMMAND starts in /src. The exit code is that of COMMAND.
#
# ROOT is a folder, or several layers separated by colons, and is not changed: changes go to SCRATCH/upper. SCRATCH must be on a file system
# that supports the upper layer of an overlay. Host name, mounts and processes have their own namespaces. Processes of COMMAND end with it
# and with the caller of this script. Needs root.
set -euo pipefail

# Settings of this machine for the clients of package registries.
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
    # COMMAND may mount overlays, too. The upper layer of an overlay cannot be on an overlay.
    mount --bind "$2/tmp" "$root/tmp"
    mount --bind "$3" "$root/src"
    sdk=$(dirname "$(readlink -f "$(command -v dotnet)")")
    # The SDK writes to its folder.
    mount -t overlay overlay -o "lowerdir=$sdk,upperdir=$2/sdk,workdir=$2/sdk-work" "$root/usr/share/dotnet"
    ln -sf ../share/dotnet/dotnet "$root/usr/bin/dotnet"
}

# Name resolution and the sources of NuGet.
copy_network_settings() {
    local config=${HOME:-/root}/.nuget/NuGet/NuGet.Config
    cp -L --remove-destination /etc/resolv.conf /etc/hosts "$root/etc/"
    mkdir -p "$root/root/.nuget/NuGet"
    [ ! -e "$config" ] || cp "$config" "$root/root/.nuget/NuGet/"
}

# pivot_root instead of chroot: in a chroot, COMMAND could not create containers.
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
