# shellcheck shell=bash
# ./build.sh package, repo and test-packages. Sourced by build.sh.

# Debian's names. The executable of another architecture is cross-compiled.
ARCHITECTURES=(amd64 arm64)

verb_package() { # [ARCH...]
    local architecture start
    start=$(milliseconds)
    [ $# -ne 0 ] || set -- "${ARCHITECTURES[@]}"
    for architecture in "$@"; do rid_of "$architecture" >/dev/null; done
    rm -rf "$PACKAGES"
    mkdir -p "$PACKAGES"
    for architecture in "$@"; do
        RID=$(rid_of "$architecture") ./build.sh publish || return 1
        step "deb and rpm ($architecture)" build_deb_and_rpm "$architecture" || return 1
        step "SBOM ($architecture)" packaging/sbom/build.sh "$architecture" || return 1
    done
    step "Container image ($*)" packaging/container/build.sh "$@" || return 1
    step "Container image with tools ($*)" packaging/container/build.sh --tools "$@" || return 1
    say "==> Packages after $(seconds_since "$start"): artifacts/packages"
    (cd "$PACKAGES" && find . -type f -printf '    %-60P %9s bytes\n' | LC_ALL=C sort)
}

# At the same time: most of the time xz compresses the symbols, on one processor for each package.
build_deb_and_rpm() { # ARCH
    local deb status=0
    deb/build.sh "$1" &
    deb=$!
    rpm/build.sh "$1" || status=$?
    wait "$deb" && return "$status"
}

verb_repo() { packaging/repository/build.sh; }

verb_test_packages() {
    local start
    start=$(milliseconds)
    need_dotnet
    start_results test-packages
    if [ -z "${TEST_SAMPLE:-}" ]; then
        check package verb_package || true
    fi
    step "Building $PACKAGE_TESTS" compile "tests/$PACKAGE_TESTS/$PACKAGE_TESTS.csproj"
    export TEST_LIMIT_SECONDS=1800
    step "Running $PACKAGE_TESTS" run_project "$PACKAGE_TESTS"
    collect_project "$PACKAGE_TESTS"
    summarize "$start"
}

# Compiles the executable in a clone in another folder, with the NuGet packages in another folder, and compares it. test-verbs calls it if
# the executable of its bare machine is missing or differs.
same_bytes_elsewhere() {
    local folder
    folder=$(mktemp -d)
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf '$folder'" RETURN
    git clone -q . "$folder/clone" && mkdir "$folder/clone/artifacts" || return 1
    ln -s "${NUGET_PACKAGES:-$HOME/.nuget/packages}" "$folder/packages" || return 1
    if [ -n "$(git status --porcelain -- src eng '*.props' '*.targets' nuget.config)" ]; then
        say "    not compared: sources have changes that are not committed"
        return 1
    fi
    # The same libraries: Debian may publish newer ones at any time.
    cp -a "$ARTIFACTS/sysroot-$RID" "$folder/clone/artifacts/" 2>/dev/null || true
    NUGET_PACKAGES=$folder/packages step "Compiling in another folder" "$folder/clone/build.sh" publish || return 1
    cmp "$EXECUTABLE" "$folder/clone/artifacts/$RID/flanneld"
}
