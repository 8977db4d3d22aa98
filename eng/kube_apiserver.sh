#!/usr/bin/env bash
# kube_apiserver.sh [--cached]: compiles kube-apiserver for the tests, unless that is done already, and prints the path of the executable.
#   --cached   compiles nothing and needs no network; fails if there is no executable of this version of the script
# Debian 12 has the last complete source package of Kubernetes, 1.20.2, and the last Go that compiles it. Both come from this machine's
# mirror of Debian, and are not installed. It takes 3 minutes on two cores and 2 GB of temporary disk space, and needs no root.
# The result stays in ~/.cache/flannel-aot (below XDG_CACHE_HOME if that is set), so that all clones use it.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
# shellcheck source=eng/lib.sh
. eng/lib.sh

SUITE=bookworm
PACKAGES=(golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev)
NEEDED_MEGABYTES=2500
# Results that were not used for this time are removed.
KEPT_DAYS=30

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/flannel-aot
# A result is kube-apiserver-SCRIPT-VERSIONS.
RESULT=$CACHE/kube-apiserver-$(sha256sum <eng/kube_apiserver.sh | cut -c 1-8)
BUILDING=$CACHE/.kube-apiserver
# The process group of the build.
BUILD=

main() { # [--cached]
    case $* in
        '') ;;
        --cached)
            newest_result || fail "no kube-apiserver is cached; ./build.sh test-kubernetes compiles it"
            return
            ;;
        *) fail "usage: eng/kube_apiserver.sh [--cached]" ;;
    esac
    mkdir -p "$CACHE"
    # Several verbs may run this script at once.
    exec 9>"$CACHE/.kube-apiserver.lock"
    flock 9
    trap end_build EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    end_build
    # The packages of a release change rarely: once a day is enough to ask for newer ones.
    if [ -n "$(find "$RESULT"-* -maxdepth 0 -mtime 0 2>/dev/null)" ] && newest_result; then return; fi
    debian_source >/dev/null || fail "cannot compile kube-apiserver: apt has no source of a Debian release"
    mkdir "$BUILDING"
    if ! read_package_lists; then
        newest_result && return
        fail "apt could not read the package lists of $SUITE; its messages are above"
    fi
    local versions folder
    versions=$(package_versions) || fail "cannot compile kube-apiserver: $SUITE on this machine's mirror does not have all packages"
    folder=$RESULT-$(sha256sum <<<"$versions" | cut -c 1-8)
    if [ ! -e "$folder" ]; then make_result "$folder" "$versions"; fi
    touch "$folder"
    find "$CACHE" -mindepth 1 -maxdepth 1 -name 'kube-apiserver-*' -mtime "+$KEPT_DAYS" -exec rm -rf {} +
    printf '%s\n' "$folder/kube-apiserver"
}

# Also removes what a killed run has left.
end_build() {
    if [ -n "$BUILD" ]; then
        kill -KILL -- "-$BUILD" || true
        wait "$BUILD" || true
    fi 2>/dev/null
    # A process that ends may still write.
    rm -rf "$BUILDING" || { sleep 1; rm -rf "$BUILDING"; }
}

newest_result() {
    local folder newest=
    for folder in "$RESULT"-*; do
        if [ -x "$folder/kube-apiserver" ] && { [ -z "$newest" ] || [ "$folder" -nt "$newest" ]; }; then newest=$folder; fi
    done
    [ -n "$newest" ] && printf '%s\n' "$newest/kube-apiserver"
}

# Sets APT_OPTIONS.
read_package_lists() {
    make_apt_folder "$BUILDING/apt" "$SUITE" "$(machine_architecture)" deb deb-src || return 1
    timeout 300 apt-get "${APT_OPTIONS[@]}" update >&2
}

# Lines with a package and the version that apt would fetch.
package_versions() {
    apt-cache "${APT_OPTIONS[@]}" show --no-all-versions "${PACKAGES[@]}" |
        awk '$1 == "Package:" { package = $2 } $1 == "Version:" { print package, $2 }' &&
        apt-cache "${APT_OPTIONS[@]}" showsrc --only-source kubernetes |
        awk '$1 == "Version:" { print "kubernetes", $2 }' | sort -V | tail -n 1
}

make_result() { # FOLDER VERSIONS
    local status=0 version
    [ "$(df --output=avail --block-size=1M "$CACHE" | tail -n 1)" -ge "$NEEDED_MEGABYTES" ] ||
        fail "cannot compile kube-apiserver: $CACHE has less than $NEEDED_MEGABYTES MB of free disk space"
    # 1.20.5+really1.20.2-1.1 has the sources of 1.20.2.
    version=$(sed -n 's/^kubernetes .*[a-z ]\([0-9.]*\)-[^-]*$/\1/p' <<<"$2")
    [ -n "$version" ] || fail "cannot compile kube-apiserver: unexpected versions in $SUITE: ${2//$'\n'/, }"
    # A process group of its own, which end_build ends.
    set -m
    (
        set -e
        cd "$BUILDING"
        unpack_sources
        compile_server "$version"
    ) >"$BUILDING/log" 2>&1 </dev/null &
    BUILD=$!
    set +m
    wait "$BUILD" || status=$?
    BUILD=
    if [ "$status" -ne 0 ]; then
        tail -n 20 "$BUILDING/log" >&2
        fail "kube-apiserver could not be compiled; the end of the log is above"
    fi
    printf '%s\n' "$2" >"$BUILDING/made/packages"
    mv "$BUILDING/made" "$1"
}

# In the current folder: the Debian packages in root, the sources of Kubernetes in a folder of GOPATH.
unpack_sources() {
    local package source=gopath/src/k8s.io/kubernetes
    mkdir -p archives root "$source"
    cd archives
    timeout --foreground 600 apt-get "${APT_OPTIONS[@]}" download "${PACKAGES[@]}"
    timeout --foreground 600 apt-get "${APT_OPTIONS[@]}" source --download-only kubernetes
    cd ..
    for package in archives/*.deb; do dpkg-deb -x "$package" root; done
    # Without Debian's patches, which change only kubectl.
    tar -xf archives/kubernetes_*.orig.tar.* -C "$source" --strip-components=1
    # The vendored version of reflect2 crashes when it was compiled by Go 1.18 or newer. Debian's is newer.
    rm -rf "$source/vendor/github.com/modern-go/reflect2"
    cp -r root/usr/share/gocode/src/github.com/modern-go/reflect2 "$source/vendor/github.com/modern-go/"
}

# Leaves the executable in the folder made. Nothing is read from the Go settings of the user, or written outside the current folder.
compile_server() { # VERSION
    local packages package flags=(-s -w) vendor=k8s.io/kubernetes/vendor/k8s.io building=$PWD
    unset GOOS GOARCH
    export GOROOT=$PWD/root/usr/lib/go-1.19 GOPATH=$PWD/gopath GOCACHE=$PWD/cache GOTMPDIR=$PWD GOENV=off GOFLAGS='' GOPROXY=off
    export GO111MODULE=off CGO_ENABLED=0 PATH=$PWD/root/usr/lib/go-1.19/bin:$PATH
    cd "$GOPATH/src/k8s.io/kubernetes"
    # The source package does not contain the generated OpenAPI definitions. The build of Kubernetes finds their packages by this comment.
    go build -o "$building/openapi-gen" "$vendor/kube-openapi/cmd/openapi-gen"
    packages=$(grep -Rl --include='*.go' '+k8s:openapi-gen=' vendor/k8s.io pkg cmd plugin |
        grep -vE '^vendor/k8s\.io/(code-generator|sample-apiserver|gengo|kube-openapi)/' |
        xargs dirname | LC_ALL=C sort -u | sed 's|^|k8s.io/kubernetes/|' | paste -sd ,)
    "$building/openapi-gen" --input-dirs "$packages" --output-package k8s.io/kubernetes/pkg/generated/openapi \
        --output-file-base zz_generated.openapi --output-base "$GOPATH/src" --report-filename "$building/violations" \
        --go-header-file vendor/k8s.io/code-generator/hack/boilerplate.go.txt --logtostderr
    for package in component-base/version client-go/pkg/version; do
        package=$vendor/$package
        flags+=(-X "$package.gitVersion=v$1" -X "$package.gitMajor=$(cut -d. -f1 <<<"$1")" -X "$package.gitMinor=$(cut -d. -f2 <<<"$1")")
    done
    # Without the clients of clouds.
    go build -tags providerless -trimpath -ldflags "${flags[*]}" -o "$building/made/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver
    [ "$("$building/made/kube-apiserver" --version)" = "Kubernetes v$1" ]
}

main "$@"
