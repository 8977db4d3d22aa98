# shellcheck shell=bash
# How the native executable is made: artifacts/RID/flanneld and its symbols beside it. Sourced by build.sh after eng/lib.sh.

# What the executable is made of: when none of it changed since, it is not made again.
publish_inputs() {
    {
        dotnet --version
        printf '%s\n' "$RID" "$CONFIGURATION" "$(program_version)" "$(linked_packages)"
        find src packaging/sbom/inventory.sh eng/BannedSymbols.txt eng/Native.targets eng/native.sh eng/openssl.cmake Directory.Build.props Directory.Build.targets Directory.Packages.props global.json nuget.config \
            -name bin -prune -o -name obj -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    } | sha256sum | cut -d' ' -f1
}

publish() {
    need_dotnet
    need_lists PUBLISH
    find_sysroot || return 1
    local inputs stamp=$ARTIFACTS/$RID/.flanneld.inputs
    inputs=$(publish_inputs)
    if [ -x "$EXECUTABLE" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$inputs $(sha256sum <"$EXECUTABLE")" ]; then
        say "==> Native executable: nothing changed since it was made"
    else
        step "Compiling the native executable ($RID)" compile_native || return 1
        printf '%s %s\n' "$inputs" "$(sha256sum <"$EXECUTABLE")" >"$stamp"
    fi
    describe_executable
}

# C library and OpenSSL are linked in, so it matters which. On Debian the newest of its release, security updates included, are unpacked into a sysroot
# below artifacts/, anew after a day: what this machine happens to have installed may be years old, and another architecture's it has not at all. Nothing is
# installed, and dpkg learns of no foreign architecture. Elsewhere this machine's own are taken. Sets SYSROOT, empty in that case.
find_sysroot() {
    local compiler
    SYSROOT=$ARTIFACTS/sysroot-$RID
    if [ -z "$(find "$SYSROOT/packages" -mmin -1440 2>/dev/null)" ]; then
        ensure_package_lists
        compiler=$(apt-cache depends gcc 2>/dev/null | sed -n 's/^ *Depends: gcc-\([0-9]*\)$/\1/p' | head -n 1)
        # base-files has the link /lib -> usr/lib from Debian 13 on; libc.so names files below /lib.
        step "Fetching the libraries to link ($RID)" fetch_packages "$(release_codename)" "$(architecture_of "$RID")" "$SYSROOT" \
            base-files libc6 libc6-dev libcrypt-dev linux-libc-dev libgcc-s1 "libgcc-$compiler-dev" "gcc-$compiler-base" \
            libssl-dev libzstd-dev zlib1g-dev && return
        if [ -e "$SYSROOT/packages" ]; then say "    linked are those of $(date -u -r "$SYSROOT/packages" +%F)"; return; fi
        [ "$RID" = "$(rid_of "$(machine_architecture)")" ] || { say "    the libraries of $RID cannot be had here"; return 1; }
        say "    linked are those of this machine"
        SYSROOT=
        need_lists LIBRARIES
    fi
}

# The packages whose libraries are linked in, with their versions, by SYSROOT: an update of OpenSSL is one of ours.
linked_packages() {
    local names='^(libc6-dev|libssl-dev|libzstd-dev|zlib1g-dev|libgcc-[0-9]*-dev) .'
    if [ -n "$SYSROOT" ]; then grep -E "$names" "$SYSROOT/packages"
    elif command -v dpkg-query >/dev/null; then
        # shellcheck disable=SC2016 # dpkg-query fills these in
        dpkg-query -W -f '${Package} ${Version}\n' libc6-dev libssl-dev libzstd-dev zlib1g-dev 'libgcc-*-dev' | grep -E "$names"
    else echo "unknown"; fi
}

# Whether the C library that is linked in reads packed relocations: glibc 2.36 and later.
packs_relocations() {
    local version
    if [ -n "$SYSROOT" ]; then version="glibc $(sed -n 's/^libc6-dev \([0-9.]*\).*/\1/p' "$SYSROOT/packages")"; else version=$(getconf GNU_LIBC_VERSION); fi
    [ "$(printf '%s\n' "glibc 2.36" "$version" | sort -V | head -n 1)" = "glibc 2.36" ]
}

compile_native() {
    local pack=false arguments=()
    if packs_relocations; then pack=true; fi
    if [ -n "$SYSROOT" ]; then
        arguments=(-p:SysRoot="$SYSROOT")
        export FLANNEL_SYSROOT=$SYSROOT
        FLANNEL_PROCESSOR=$(rpm_architecture_of "$(architecture_of "$RID")")
        export FLANNEL_PROCESSOR
    fi
    export CMAKE_TOOLCHAIN_FILE=$PWD/eng/openssl.cmake
    # The shim over OpenSSL is C, with assertions that name their file: not by the path on this machine.
    export CFLAGS="-ffile-prefix-map=${NUGET_PACKAGES:-$HOME/.nuget/packages}=/_nuget"
    local log=$ARTIFACTS/$RID/publish.log out=$ARTIFACTS/msbuild/native-$RID
    mkdir -p "$ARTIFACTS/$RID"
    # Nothing of before: msbuild does not see that the libraries of a sysroot have changed, and would not link anew.
    rm -rf "$out" "$ARTIFACTS"/msbuild/{obj,bin}/Flanneld/release_"$RID"
    if ! dotnet publish src/Flanneld/Flanneld.csproj -c "$CONFIGURATION" -p:NativeRuntime="$RID" -p:Version="$(program_version)" -p:PackRelativeRelocations="$pack" "${arguments[@]}" \
        -o "$out" -nologo >"$log" 2>&1; then
        cat "$log"
        return 1
    fi
    # CMake leaves out of the shim what it does not find in OpenSSL. Without ALPN there is no HTTP/2 over TLS, and so no etcd over TLS.
    if ! grep -qrs --include=pal_crypto_config.h 'define HAVE_OPENSSL_ALPN 1' "$ARTIFACTS/msbuild/obj/Flanneld/${CONFIGURATION,,}_$RID"; then
        say "    ALPN is not found in the OpenSSL that is linked in"
        return 1
    fi
    # Warnings of the native linker about static glibc and of CMake are known and harmless; those of the trimmer never are.
    if grep -E 'warning (IL[23][0-9]{3}|CS[0-9]{4}|CA[0-9]{4}|NU[0-9]{4})' "$log"; then
        say "    warnings in the native publish"
        return 1
    fi
    packaging/sbom/inventory.sh "$RID" "$ARTIFACTS/msbuild/obj/Flanneld/${CONFIGURATION,,}_$RID/native" "$ARTIFACTS/$RID/flanneld" || return 1
    mv -f "$out/flanneld.dbg" "$ARTIFACTS/$RID/flanneld.dbg"
    mv -f "$out/flanneld" "$EXECUTABLE"
}

describe_executable() {
    local bytes linkage=static
    bytes=$(stat -c %s "$EXECUTABLE")
    if readelf -lW "$EXECUTABLE" | grep -q INTERP; then linkage=dynamic; fi
    say "    artifacts/$RID/flanneld: $bytes bytes, $linkage"
    [ "$linkage" = static ] || { say "    the executable must need no library"; return 1; }
    if without_mapped_paths "$EXECUTABLE" | grep -aF -e "$PWD/" -e "${NUGET_PACKAGES:-$HOME/.nuget/packages}" >/dev/null; then
        say "    paths of this machine are in the executable"
        return 1
    fi
}

# Paths that the build has mapped to /_/ and /_nuget/ go on with folders such as src/, which is also the path of a clone in /src.
without_mapped_paths() { LC_ALL=C sed -E 's|/_(nuget)?/[[:alnum:]_./+-]*||g' "$1"; }
