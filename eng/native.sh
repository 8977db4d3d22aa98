# shellcheck shell=bash
# How the native executable is made: artifacts/RID/flanneld and its symbols beside it. Sourced by build.sh after eng/lib.sh.

# A command, or a file where there is no command, and the Debian package that has it.
NEEDS_PUBLISH=(clang:clang ld.lld:lld cmake:cmake make:make readelf:binutils)
# Linked in. For another architecture than this machine's they come unpacked into a sysroot; see make_sysroot.
NEEDS_LIBRARIES=(/usr/include/zlib.h:zlib1g-dev /usr/include/openssl/ssl.h:libssl-dev)
NEEDS_CROSS=(llvm-objcopy:llvm)

# What the executable is made of: when none of it changed since, it is not made again.
publish_inputs() {
    {
        dotnet --version
        printf '%s\n' "$RID" "$CONFIGURATION" "$(program_version)"
        find src eng/BannedSymbols.txt eng/Native.targets eng/native.sh eng/cross.cmake Directory.Build.props Directory.Packages.props global.json \
            -name bin -prune -o -name obj -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    } | sha256sum | cut -d' ' -f1
}

publish() {
    need_dotnet
    need "${NEEDS_PUBLISH[@]}"
    if is_cross; then need "${NEEDS_CROSS[@]}"; else need "${NEEDS_LIBRARIES[@]}"; fi
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

is_cross() { [ "$RID" != "$(rid_of "$(machine_architecture)")" ]; }

# C library and OpenSSL of the other architecture, of this machine's release: nothing is installed, and dpkg learns of no foreign architecture.
make_sysroot() { # FOLDER
    local compiler
    compiler=$(apt-cache depends gcc | sed -n 's/^ *Depends: gcc-\([0-9]*\)$/\1/p' | head -n 1)
    fetch_packages "$(release_codename)" "$(architecture_of "$RID")" "$1" libc6 libc6-dev libcrypt-dev linux-libc-dev libgcc-s1 "libgcc-$compiler-dev" libssl-dev zlib1g-dev
}

# The packages whose libraries are linked in, with their versions: what an SBOM must name.
linked_packages() { # SYSROOT|""
    if [ -n "$1" ]; then grep -E '^(libc6-dev|libssl-dev|zlib1g-dev|libgcc-[0-9]*-dev) ' "$1/packages"
    elif command -v dpkg-query >/dev/null; then dpkg-query -W -f '${Package} ${Version}\n' libc6-dev libssl-dev zlib1g-dev 'libgcc-*-dev' | grep -v -- '-cross ' || true; fi
}

# Whether the C library that is linked in reads packed relocations: glibc 2.36 and later.
packs_relocations() {
    local version
    version=$(getconf GNU_LIBC_VERSION) && [ "$(printf '%s\n' "glibc 2.36" "$version" | sort -V | head -n 1)" = "glibc 2.36" ]
}

compile_native() {
    local pack=false sysroot='' arguments=()
    if packs_relocations; then pack=true; fi
    if is_cross; then
        sysroot=$ARTIFACTS/sysroot-$RID
        if [ ! -d "$sysroot" ]; then make_sysroot "$sysroot" || { say "    the libraries of $RID cannot be had here"; return 1; }; fi
        arguments=(-p:SysRoot="$sysroot")
        export CMAKE_TOOLCHAIN_FILE=$PWD/eng/cross.cmake CROSS_SYSROOT=$sysroot
        CROSS_PROCESSOR=$(rpm_architecture_of "$(architecture_of "$RID")")
        export CROSS_PROCESSOR
    fi
    local log=$ARTIFACTS/$RID/publish.log out=$ARTIFACTS/msbuild/native-$RID
    mkdir -p "$ARTIFACTS/$RID"
    rm -rf "$out"
    if ! dotnet publish src/Flanneld/Flanneld.csproj -c "$CONFIGURATION" -r "$RID" -p:Version="$(program_version)" -p:PackRelativeRelocations="$pack" "${arguments[@]}" \
        -o "$out" -nologo >"$log" 2>&1; then
        cat "$log"
        return 1
    fi
    # Warnings of the native linker about static glibc and of CMake are known and harmless; those of the trimmer never are.
    if grep -E 'warning (IL[23][0-9]{3}|CS[0-9]{4}|CA[0-9]{4}|NU[0-9]{4})' "$log"; then
        say "    warnings in the native publish"
        return 1
    fi
    linked_packages "$sysroot" >"$ARTIFACTS/$RID/linked-packages"
    mv -f "$out/flanneld.dbg" "$ARTIFACTS/$RID/flanneld.dbg"
    mv -f "$out/flanneld" "$EXECUTABLE"
}

describe_executable() {
    local bytes linkage=static
    bytes=$(stat -c %s "$EXECUTABLE")
    if readelf -lW "$EXECUTABLE" | grep -q INTERP; then linkage=dynamic; fi
    say "    artifacts/$RID/flanneld: $bytes bytes, $linkage"
    [ "$linkage" = static ] || { say "    the executable must need no library"; return 1; }
}

