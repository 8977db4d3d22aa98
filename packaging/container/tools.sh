#!/usr/bin/env bash
# packaging/container/tools.sh ARCH FOLDER INVENTORY: puts the programs of the image -tools below FOLDER: nft, iptables, ip and bridge of
# this machine's release of Debian, with the libraries that they load and the licenses. Appends a line for each package to INVENTORY, in
# the format of packaging/sbom/inventory.sh. Nothing is executed, so that ARCH may be another architecture.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C
umask 022
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

# shellcheck source=eng/lib.sh
. eng/lib.sh

[ $# -eq 3 ] || fail "usage: packaging/container/tools.sh ARCH FOLDER INVENTORY"
ARCHITECTURE=$1 ROOT=$2 INVENTORY=$3
TRIPLET=$(rpm_architecture_of "$ARCHITECTURE")-linux-gnu
FETCHED=$ARTIFACTS/image-tools-$ARCHITECTURE

PROGRAMS=(nft ip bridge xtables-nft-multi)
# Names of xtables-nft-multi. The daemon runs those that read and write all rules; the others are for an operator.
IPTABLES=(iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore)

# The license of what is taken from the package, which may differ from the rest of its source.
license_of() { # PACKAGE
    case $1 in
        iproute2 | libnetfilter-conntrack3 | libnftnl11) echo GPL-2.0-or-later ;;
        iptables | libnfnetlink0 | libnftables1 | libxtables12 | nftables) echo GPL-2.0-only ;;
        libbpf1) echo 'LGPL-2.1-only OR BSD-2-Clause' ;;
        libbsd0 | libedit2 | libmd0 | libpcre2-8-0) echo BSD-3-Clause ;;
        libc6 | libmnl0) echo LGPL-2.1-or-later ;;
        libcap2 | libzstd1) echo 'BSD-3-Clause OR GPL-2.0-only' ;;
        libelf1 | libelf1t64) echo 'GPL-2.0-or-later OR LGPL-3.0-or-later' ;;
        libgcc-s1) echo 'GPL-3.0-or-later WITH GCC-exception-3.1' ;;
        libgmp10) echo 'LGPL-3.0-or-later OR GPL-2.0-or-later' ;;
        libjansson4) echo MIT ;;
        libselinux1) echo libselinux-1.0 ;;
        libtinfo6) echo X11-distribute-modifications-variant ;;
        zlib1g) echo Zlib ;;
        *) fail "the image -tools has a new package, $1: add its license to packaging/container/tools.sh" ;;
    esac
}

# Fetches the packages, unless that was done in the last day: there may be security updates.
fetch() {
    if [ -n "$(find "$FETCHED/packages" -mmin -1440 2>/dev/null)" ]; then return; fi
    step "Fetching nft, iptables and ip ($ARCHITECTURE)" \
        fetch_packages "$(release_codename)" "$ARCHITECTURE" "$FETCHED" --dependencies nftables iptables iproute2 >&2
}

# The path of a program or a library below FETCHED. A program is no link: a link may be absolute.
locate() { # NAME
    local folder
    for folder in {usr/,}bin {usr/,}sbin; do
        if [ -f "$FETCHED/$folder/$1" ] && [ ! -L "$FETCHED/$folder/$1" ]; then
            printf '%s/%s' "$folder" "$1"
            return
        fi
    done
    for folder in {usr/,}lib/"$TRIPLET"; do
        if [ -e "$FETCHED/$folder/$1" ]; then
            realpath --relative-to="$FETCHED" "$FETCHED/$folder/$1"
            return
        fi
    done
    fail "no $1 in the packages of Debian for the image -tools"
}

needed_by() { (cd "$FETCHED" && readelf -dW "$@") | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u; } # PATH…
loader_of() { readelf -lW "$FETCHED/$1" | sed -n 's/.*interpreter: \(.*\)\]/\1/p'; } # PATH

take() { # MODE PATH TARGET
    install -D -m "$1" "$FETCHED/$2" "$ROOT/$3"
    printf '%s\n' "$2" >>"$TAKEN"
}

take_programs() {
    local name path
    for name in "${PROGRAMS[@]}"; do
        path=$(locate "$name")
        take 755 "$path" "usr/sbin/$name"
        QUEUE+=("$path")
    done
    for name in "${IPTABLES[@]}"; do ln -s xtables-nft-multi "$ROOT/usr/sbin/$name"; done
    path=$(locate nft)
    take 755 "$(locate "$(basename "$(loader_of "$path")")")" "$(loader_of "$path" | cut -c 2-)"
}

# The extensions of iptables, which it loads by name, also to show rules of other programs.
take_extensions() {
    local folder=usr/lib/$TRIPLET/xtables paths
    [ -d "$FETCHED/$folder" ] || fail "no $folder in the packages of Debian for the image -tools"
    mkdir -p "$ROOT/$folder"
    paths=("$FETCHED/$folder"/lib{xt,ipt,ip6t}_*.so)
    install -m 644 "${paths[@]}" "$ROOT/$folder"
    paths=("${paths[@]#"$FETCHED"/}")
    printf '%s\n' "${paths[@]}" >>"$TAKEN"
    QUEUE+=("${paths[@]}")
}

# Takes the libraries of all that is in QUEUE, and the libraries of these.
take_libraries() {
    local path name names seen=" "
    while [ "${#QUEUE[@]}" -ne 0 ]; do
        names=$(needed_by "${QUEUE[@]}")
        QUEUE=()
        for name in $names; do
            # take_programs has taken the loader.
            if [[ $seen == *" $name "* || $name == ld-linux-* ]]; then continue; fi
            seen+="$name "
            path=$(locate "$name")
            take 644 "$path" "usr/lib/$TRIPLET/$name"
            QUEUE+=("$path")
        done
    done
}

describe_packages() {
    local name version distribution
    # shellcheck source=/dev/null
    distribution=$(. /etc/os-release && printf '%s-%s' "$ID" "${VERSION_ID:-sid}")
    while read -r name; do
        version=$(awk -v name="$name" '$1 == name { print $2 }' "$FETCHED/packages")
        install -D -m 644 "$FETCHED/usr/share/doc/$name/copyright" "$ROOT/usr/share/doc/$name/copyright"
        printf 'deb\t%s\t%s\tpkg:deb/debian/%s@%s?arch=%s&distro=%s\t-\t%s\thttps://packages.debian.org/%s\n' "$name" "$version" \
            "$name" "$(jq -rn --arg version "$version" '$version | @uri')" "$ARCHITECTURE" "$distribution" "$(license_of "$name")" "$name"
    done < <(awk 'NR == FNR { taken[$1]; next } $2 in taken { print $1 }' "$TAKEN" "$FETCHED/contents" | sort -u) >>"$INVENTORY"
}

fetch
TAKEN=$(mktemp)
trap 'rm -f "$TAKEN"' EXIT
QUEUE=()
take_programs
take_extensions
take_libraries
describe_packages
