# shellcheck shell=bash
# ./build.sh publish: compiles artifacts/RID/flanneld and its symbols, flanneld.dbg. Sourced by build.sh.

# What the executable is compiled from.
PUBLISH_SOURCES=(src packaging/sbom/inventory.sh packaging/completions
    eng/BannedEverywhere.txt eng/BannedSymbols.txt eng/Native.targets eng/native.sh eng/openssl.cmake eng/substitutions.xml
    Directory.Build.props Directory.Build.targets Directory.Packages.props global.json nuget.config)

# The commit that last changed the sources of the executable, for the metric flannel_build_info. Commits of other files do not change it,
# so that equal sources of one history make equal bytes. Nothing if the sources have changes that are not committed, or without git.
source_commit() {
    [ -z "$(git status --porcelain -- "${PUBLISH_SOURCES[@]}" 2>/dev/null)" ] || return 0
    git log -1 --format=%H -- "${PUBLISH_SOURCES[@]}" 2>/dev/null || true
}

# A hash of everything that the executable depends on. It is compiled again only if the hash changes.
publish_inputs() {
    {
        dotnet --version
        printf '%s\n' "$RID" "$CONFIGURATION" "$(program_version)" "$(source_commit)" "$(linked_packages)"
        find "${PUBLISH_SOURCES[@]}" -name bin -prune -o -name obj -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    } | sha256sum | cut -d' ' -f1
}

verb_publish() {
    need_dotnet
    need_lists PUBLISH
    find_sysroot || return 1
    local inputs stamp=$ARTIFACTS/$RID/.flanneld.inputs
    inputs=$(publish_inputs)
    if [ -x "$EXECUTABLE" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$inputs $(sha256sum <"$EXECUTABLE")" ]; then
        say "==> Native executable: up to date"
    else
        step "Compiling the native executable ($RID)" compile_native || return 1
        printf '%s %s\n' "$inputs" "$(sha256sum <"$EXECUTABLE")" >"$stamp"
    fi
    describe_executable
}

# Sets SYSROOT, the folder with the C library and OpenSSL that are linked into the executable.
# On Debian, they are the newest of its release with security updates, unpacked below artifacts/ and fetched again after a day. The versions
# that are installed may be years old, and are of one architecture. Nothing is installed, and no architecture is added to dpkg. On other
# systems SYSROOT is empty, and the installed libraries are linked.
find_sysroot() {
    local compiler
    SYSROOT=$ARTIFACTS/sysroot-$RID
    if [ -z "$(find "$SYSROOT/packages" -mmin -1440 2>/dev/null)" ]; then
        ensure_package_lists
        compiler=$(apt-cache depends gcc 2>/dev/null | sed -n 's/^ *Depends: gcc-\([0-9]*\)$/\1/p' | head -n 1)
        # base-files has the link /lib -> usr/lib since Debian 13, and libc.so names files below /lib.
        step "Fetching the libraries to link ($RID)" fetch_packages "$(release_codename)" "$(architecture_of "$RID")" "$SYSROOT" \
            base-files libc6 libc6-dev libcrypt-dev linux-libc-dev libgcc-s1 "libgcc-$compiler-dev" "gcc-$compiler-base" \
            libssl-dev libzstd-dev zlib1g-dev && return
        if [ -e "$SYSROOT/packages" ]; then say "    not available; using those of $(date -u -r "$SYSROOT/packages" +%F)"; return; fi
        [ "$RID" = "$(rid_of "$(machine_architecture)")" ] || {
            say "    no libraries of $RID are available"
            return 1
        }
        say "    not available; using the installed ones"
        SYSROOT=
        need_lists LIBRARIES
    fi
}

# The packages whose libraries are linked in, with their versions. A new version of one of them makes a new executable.
linked_packages() {
    local names='^(libc6-dev|libssl-dev|libzstd-dev|zlib1g-dev|libgcc-[0-9]*-dev) .'
    if [ -n "$SYSROOT" ]; then
        grep -E "$names" "$SYSROOT/packages"
    elif command -v dpkg-query >/dev/null; then
        # shellcheck disable=SC2016 # dpkg-query fills these in
        dpkg-query -W -f '${Package} ${Version}\n' libc6-dev libssl-dev libzstd-dev zlib1g-dev 'libgcc-*-dev' | grep -E "$names"
    else
        echo "unknown"
    fi
}

# Succeeds if the C library that is linked in supports packed relocations: glibc 2.36 and later.
packs_relocations() {
    local version
    if [ -n "$SYSROOT" ]; then
        version="glibc $(sed -n 's/^libc6-dev \([0-9.]*\).*/\1/p' "$SYSROOT/packages")"
    else
        version=$(getconf GNU_LIBC_VERSION)
    fi
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
    # .NET's native layer over OpenSSL is C code with assertions, which contain the paths of their files.
    export CFLAGS="-ffile-prefix-map=${NUGET_PACKAGES:-$HOME/.nuget/packages}=/_nuget"
    local log=$ARTIFACTS/$RID/publish.log out=$ARTIFACTS/msbuild/native-$RID objects=$ARTIFACTS/msbuild/obj/Flanneld/${CONFIGURATION,,}_$RID
    mkdir -p "$ARTIFACTS/$RID"
    # msbuild does not notice that libraries of a sysroot have changed: start from empty folders.
    rm -rf "$out" "$ARTIFACTS"/msbuild/{obj,bin}/Flanneld/release_"$RID"
    if ! dotnet publish src/Flanneld/Flanneld.csproj -c "$CONFIGURATION" -p:NativeRuntime="$RID" -p:Version="$(program_version)" \
        -p:SourceCommit="$(source_commit)" -p:PackRelativeRelocations="$pack" "${arguments[@]}" -o "$out" -nologo >"$log" 2>&1; then
        cat "$log"
        return 1
    fi
    # CMake silently leaves out features that it does not find in OpenSSL. Without ALPN there is no HTTP/2 over TLS, hence no etcd over TLS.
    if ! grep -qrs --include=pal_crypto_config.h 'define HAVE_OPENSSL_ALPN 1' "$objects"; then
        say "    CMake found no ALPN in the OpenSSL that is linked in"
        return 1
    fi
    # The native linker warns about static glibc, and CMake about its policies: both are harmless. These warnings are failures:
    if grep -E 'warning (IL[23][0-9]{3}|CS[0-9]{4}|CA[0-9]{4}|NU[0-9]{4})' "$log"; then
        say "    warnings in the native publish"
        return 1
    fi
    packaging/sbom/inventory.sh "$RID" "$objects/native" "$ARTIFACTS/$RID/flanneld" || return 1
    mv -f "$out/flanneld.dbg" "$ARTIFACTS/$RID/flanneld.dbg"
    mv -f "$ARTIFACTS/msbuild/obj/Flanneld/${CONFIGURATION,,}_$RID/native/flanneld.mstat" "$ARTIFACTS/$RID/flanneld.mstat"
    mv -f "$out/flanneld" "$EXECUTABLE"
}

describe_executable() {
    local bytes linkage=static
    bytes=$(stat -c %s "$EXECUTABLE")
    if readelf -lW "$EXECUTABLE" | grep -q INTERP; then linkage=dynamic; fi
    say "    artifacts/$RID/flanneld: $bytes bytes, $linkage"
    [ "$linkage" = static ] || { say "    the executable must not need a shared library"; return 1; }
    if without_mapped_paths "$EXECUTABLE" | grep -aF -e "$PWD/" -e "${NUGET_PACKAGES:-$HOME/.nuget/packages}" >/dev/null; then
        say "    the executable contains paths of this machine"
        return 1
    fi
}

# The build maps paths to /_/ and /_nuget/. What follows, such as src/, may also be the path of the clone.
without_mapped_paths() { LC_ALL=C sed -E 's|/_(nuget)?/[[:alnum:]_./+-]*||g' "$1"; }
