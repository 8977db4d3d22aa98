#!/usr/bin/env bash
# packaging/sbom/inventory.sh RID OBJECTS OUT: lists what the linker and the AOT compiler put into the executable.
# OBJECTS is the folder of flanneld.ilc.rsp and archives.tsv (eng/Native.targets). Writes OUT.linked, with a line for each component (kind,
# name, version, purl, SHA-512 or -, license as an SPDX expression or -, URL or -; separated by tabs), and OUT.notices, the license texts.
# Called by ./build.sh publish right after the link, because only then the used packages are certain.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

# shellcheck source=eng/lib.sh
. eng/lib.sh

[ $# -eq 3 ] || fail "usage: packaging/sbom/inventory.sh RID OBJECTS OUT"
RID=$1 OBJECTS=$2 OUT=$3
ARCHITECTURE=$(architecture_of "$RID")
# eng/native.sh unpacks the libraries that are linked in here, where possible.
SYSROOT=$ARTIFACTS/sysroot-$RID
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

component() { # KIND NAME VERSION PURL HASH LICENSE URL
    local IFS=$'\t'
    printf '%s\n' "$*" >>"$work/linked"
}

# Adds a license text, once for all components that share it.
notice() { # NAME FILE
    local sum
    sum=$(sha256sum <"$2" | cut -d' ' -f1)
    printf '%s\n' "$1" >>"$work/$sum.names"
    [ -e "$work/$sum.text" ] || cp "$2" "$work/$sum.text"
}

# Percent encoding of the version in a purl: all characters except letters, digits and -._~.
percent() {
    local text=$1 out='' i c
    for ((i = 0; i < ${#text}; i++)); do
        c=${text:i:1}
        case $c in [A-Za-z0-9._~-]) out+=$c ;; *) out+=$(printf '%%%02X' "'$c") ;; esac
    done
    printf '%s' "$out"
}

element() { sed -n "s/.*<$1\\( [^>]*\\)\\{0,1\\}>\\([^<]*\\)<.*/\\2/p" "$2" | head -n 1; }

# --- NuGet: the input of the AOT compiler, and the archives of the runtime ----------------------------------------------------------

# The folder of the package that contains a file: the one with the nuspec.
package_folder() { # FILE
    local folder=${1%/*}
    while [ -n "$folder" ]; do
        if compgen -G "$folder/*.nuspec" >/dev/null; then printf '%s' "$folder"; return; fi
        folder=${folder%/*}
    done
}

nuget() { # FOLDER
    local folder=$1 nuspec id version license hash url file holder text=
    nuspec=$(compgen -G "$folder/*.nuspec")
    id=$(element id "$nuspec") version=$(element version "$nuspec") url=$(element projectUrl "$nuspec")
    license=$(sed -n 's/.*<license type="expression">\([^<]*\)<.*/\1/p' "$nuspec")
    [ -n "$license" ] || fail "$id $version has no license as an SPDX expression: add it to packaging/sbom/inventory.sh"
    hash=$(base64 -d <"$(compgen -G "$folder/*.nupkg.sha512")" | od -An -v -tx1 | tr -d ' \n')
    component nuget "$id" "$version" "pkg:nuget/$id@$(percent "$version")" "$hash" "$license" "${url:--}"
    for file in "$folder"/LICENSE* "$folder"/THIRD-PARTY-NOTICES*; do
        if [ -f "$file" ]; then notice "$id $version" "$file"; text=$file; fi
    done
    if [ -z "$text" ]; then
        # A package without a copyright line names its authors.
        holder=$(element copyright "$nuspec")
        printf '%s\n\nLicensed under %s.\n' "${holder:-Copyright $(element authors "$nuspec")}" "$license" >"$work/short"
        notice "$id $version" "$work/short"
    fi
}

# --- Debian: the archives of the C library and OpenSSL --------------------------------------------------------------------------

# The license of what is linked, which may differ from the rest of the source; and the source package, which security advisories name.
facts_of() { # PACKAGE
    case $1 in
        libssl-dev) printf 'openssl\tApache-2.0\n' ;;
        libc6-dev) printf 'glibc\tLGPL-2.1-or-later\n' ;;
        libgcc-*-dev) printf 'gcc-%s\tGPL-3.0-or-later WITH GCC-exception-3.1\n' "$(tr -dc 0-9 <<<"$1")" ;;
        # Offered under BSD-3-Clause or GPL-2.0-only.
        libzstd-dev) printf 'libzstd\tBSD-3-Clause\n' ;;
        zlib1g-dev) printf 'zlib\tZlib\n' ;;
        *) fail "unknown license of $1, which is linked in: add it to packaging/sbom/inventory.sh" ;;
    esac
}

# dpkg knows a file by its path in the package, and /lib may be a link to /usr/lib.
installed_owner() { # FILE
    local file=$1 name
    command -v dpkg-query >/dev/null || return 0
    file=$(realpath "$file")
    for name in "$1" "$file" "${file#/usr}"; do
        if name=$(dpkg-query -S "$name" 2>/dev/null); then printf '%s' "${name%%:*}"; return; fi
    done
}

# In the sysroot only names and versions of packages are known.
unpacked_owner() { # FILE
    case ${1##*/} in
        libssl.a | libcrypto.a) echo libssl-dev ;;
        libgcc*.a) sed -n 's/^\(libgcc-[0-9]*-dev\) .*/\1/p' "$SYSROOT/packages" ;;
        libz.a) echo zlib1g-dev ;;
        libzstd.a) echo libzstd-dev ;;
        lib*.a) echo libc6-dev ;;
    esac
}

debian() { # PACKAGE ROOT
    local name=$1 root=${2%/} version source license distribution text
    if [ -n "$root" ]; then version=$(sed -n "s/^$name //p" "$root/packages")
    else version=$(dpkg-query -W -f '${Version}\n' "$name:$ARCHITECTURE"); fi
    [ -n "$version" ] || fail "unknown version of $name: it is in neither the list of dpkg nor $SYSROOT/packages"
    IFS=$'\t' read -r source license < <(facts_of "$name")
    # shellcheck source=/dev/null
    distribution=$(. /etc/os-release && printf '%s-%s' "$ID" "${VERSION_ID:-sid}")
    component deb "$name" "$version" \
        "pkg:deb/${distribution%%-*}/$name@$(percent "$version")?arch=$ARCHITECTURE&distro=$distribution&upstream=$source" \
        - "$license" "https://tracker.debian.org/pkg/$source"
    # The text of libgcc is a link into gcc-N-base.
    text=$root/usr/share/doc/$name/copyright
    if [ ! -f "$text" ]; then
        printf 'Licensed under %s.\nThe text is in the Debian source package %s.\n' "$license" "$source" >"$work/short"
        text=$work/short
    fi
    notice "$name $version" "$text"
}

# --- components inside those packages -------------------------------------------------------------------------------------

bundled() { # ARCHIVE
    local version
    case ${1##*/} in
        libz.a)
            version=$(grep -aoE 'zlib-ng [0-9]+\.[0-9.]+' "$1" | head -n 1 || true)
            [ -n "$version" ] || fail "$1 is not zlib-ng: update packaging/sbom/inventory.sh"
            version=${version#* }
            component bundled zlib-ng "$version" "pkg:github/zlib-ng/zlib-ng@$version" - Zlib https://github.com/zlib-ng/zlib-ng ;;
        libbrotli*.a) component bundled brotli - - - MIT https://github.com/google/brotli ;;
        libRuntime.*GC.a)
            component bundled llvm-libunwind - - - 'Apache-2.0 WITH LLVM-exception' https://github.com/llvm/llvm-project ;;
    esac
}

# --- the two lists --------------------------------------------------------------------------------------------------------------

archive() { # FILE of which something is linked in
    local file=$1 owner
    case $file in
        # A copy without unwinding tables. The file originals names its source.
        "$OBJECTS"/plain/*)
            file=$(grep "/${file##*/}\$" "$OBJECTS/plain/originals") || fail "$OBJECTS/plain/originals does not list ${file##*/}" ;;
        # Compiled from sources in the package of the compiler.
        */libs/System.Security.Cryptography.Native/build/*)
            file=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "${file%/*}/CMakeCache.txt")/. ;;
    esac
    owner=$(package_folder "$file")
    if [ -n "$owner" ]; then printf 'nuget %s\n' "$owner" >>"$work/owners"; bundled "$file"
    elif [[ $file == "$SYSROOT"/* ]] && owner=$(unpacked_owner "$file") && [ -n "$owner" ]; then
        printf 'debian %s %s\n' "$owner" "$SYSROOT" >>"$work/owners"
    elif owner=$(installed_owner "$file") && [ -n "$owner" ]; then printf 'debian %s /\n' "$owner" >>"$work/owners"
    else
        # Not part of a package: only its hash is known.
        component file "${file##*/}" - - "$(sha512sum "$file" | cut -d' ' -f1)" - -
    fi
}

for file in archives.tsv flanneld.ilc.rsp; do [ -s "$OBJECTS/$file" ] || fail "missing $OBJECTS/$file: run ./build.sh publish"; done
while IFS=$'\t' read -r _ extracted file; do
    if [[ $extracted =~ ^[1-9] ]]; then archive "$(realpath -s "$file")"; fi
done <"$OBJECTS/archives.tsv"
while IFS= read -r line; do
    [[ $line == -r:* ]] || continue
    owner=$(package_folder "${line#-r:}")
    if [ -n "$owner" ]; then printf 'nuget %s\n' "$owner" >>"$work/owners"; fi
done <"$OBJECTS/flanneld.ilc.rsp"
while read -r kind owner root; do "$kind" "$owner" "$root"; done < <(sort -u "$work/owners")

notice flanneld LICENSE
sort -u "$work/linked" >"$OUT.linked"
{
    printf 'flanneld (%s) and the third-party components that are linked in, each with its license.\n' "$RID"
    for names in "$work"/*.names; do
        printf '\n%s\n' "--------------------------------------------------------------------------------"
        sort -u "$names" | sed 's/^/    /'
        printf '\n'
        tr -d '\r' <"${names%.names}.text"
    done
} >"$OUT.notices"
