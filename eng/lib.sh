# shellcheck shell=bash
# Functions of build.sh and of the scripts in packaging/, deb/ and rpm/. Sourced in the top folder of the repository.

# FLANNEL_ARTIFACTS is another folder for what is built.
ARTIFACTS=${FLANNEL_ARTIFACTS:-$PWD/artifacts}

# --- output ------------------------------------------------------------------------------------------------------------------------------

say() { printf '%s\n' "$*"; }
fail() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }
milliseconds() { local now=${EPOCHREALTIME/[.,]/}; echo $((now / 1000)); }
seconds_since() { local ms=$(($(milliseconds) - $1)); printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100)); }

# Prints a title, runs the command with its output, and prints the time that it took.
step() { # TITLE COMMAND...
    local title=$1 start status=0
    shift
    start=$(milliseconds)
    say "==> $title"
    "$@" || status=$?
    if [ "$status" -ne 0 ]; then
        say "    failed after $(seconds_since "$start")"
        return "$status"
    fi
    say "    $(seconds_since "$start")"
}

# --- needed packages ---------------------------------------------------------------------------------------------------------------------

# What is needed besides the .NET SDK and Debian's essential packages. An entry is COMMAND:PACKAGE or FILE:PACKAGE, and the package is
# installed if the command or file is missing. The table of verbs in build.sh names these lists.
# shellcheck disable=SC2034 # used by the scripts that source this file
{
    NEEDS_RUN=(etcd:etcd-server etcdctl:etcd-client ip:iproute2 ping:iputils-ping nsenter:util-linux nft:nftables iptables:iptables
        prometheus:prometheus promtool:prometheus)
    NEEDS_BENCH=(iperf3:iperf3 strace:strace)
    NEEDS_LINT=(shellcheck:shellcheck node:nodejs npm:npm)
    # git: the executable states the commit of its sources.
    NEEDS_PUBLISH=(clang:clang ld.lld:lld cmake:cmake make:make readelf:binutils llvm-objcopy:llvm git:git)
    # For publish without a sysroot.
    NEEDS_LIBRARIES=(/usr/include/zlib.h:zlib1g-dev /usr/include/openssl/ssl.h:libssl-dev /usr/include/zstd.h:libzstd-dev)
    NEEDS_DEB=(dh:debhelper dpkg-buildpackage:dpkg-dev readelf:binutils systemd-analyze:systemd)
    NEEDS_RPM=(rpmbuild:rpm readelf:binutils dpkg-parsechangelog:dpkg-dev)
    NEEDS_SBOM=(jq:jq)
    NEEDS_IMAGE=(jq:jq libdeflate-gzip:libdeflate-tools /usr/share/ca-certificates/mozilla:ca-certificates readelf:binutils)
    NEEDS_PACKAGE=("${NEEDS_DEB[@]}" "${NEEDS_RPM[@]}" "${NEEDS_SBOM[@]}" "${NEEDS_IMAGE[@]}")
    NEEDS_REPOSITORY=(apt-ftparchive:apt-utils createrepo_c:createrepo-c xz:xz-utils gpg:gnupg rpmsign:rpm)
    # For tests/Flannel.Packaging.Tests: machines with systemd, the image, the packages, the repositories, the other architecture.
    NEEDS_PACKAGE_TESTS=(mmdebstrap:mmdebstrap systemd-nspawn:systemd-container unshare:util-linux flock:util-linux dpkg-deb:dpkg
        podman:podman runc:runc skopeo:skopeo git:git
        lintian:lintian rpmlint:rpmlint busybox:busybox-static fish:fish zsh:zsh
        dnf:dnf "${NEEDS_REPOSITORY[@]}"
        go:golang-go /usr/share/gocode/src/github.com/Masterminds/sprig:golang-github-masterminds-sprig-dev
        qemu-aarch64-static:qemu-user-static)
    # For tests/Flannel.Hosts.Tests. eng/hosts.sh fetches the container runtimes.
    NEEDS_HOSTS=(iptables:iptables unshare:util-linux dpkg-deb:dpkg)
    # For eng/kube_apiserver.sh, and the tests with its kube-apiserver.
    NEEDS_KUBERNETES=(dpkg-deb:dpkg flock:util-linux kubectl:kubernetes-client)
    NEEDS_VERB_TESTS=(mmdebstrap:mmdebstrap unshare:util-linux flock:util-linux git:git)
}

# Installs the packages of the entries that are missing.
need() { # ENTRY...
    local entry what package missing=()
    for entry in "$@"; do
        what=${entry%%:*} package=${entry##*:}
        if [[ $what == /* ]]; then [ ! -e "$what" ] || continue
        elif command -v "$what" >/dev/null || [ -x "/usr/sbin/$what" ]; then continue; fi
        [[ " ${missing[*]} " == *" $package "* ]] || missing+=("$package")
    done
    [ "${#missing[@]}" -eq 0 ] && return
    command -v apt-get >/dev/null || fail "missing on this machine: ${missing[*]} (names of Debian packages)"
    [ "$(id -u)" -eq 0 ] || fail "missing on this machine: as root run: apt-get install ${missing[*]}"
    step "Installing ${missing[*]}" install_packages "${missing[@]}" || fail "could not install: ${missing[*]}"
    # For scripts that this one calls.
    export FLANNEL_APT_UPDATED=true
}

# The name LINT means the list NEEDS_LINT.
need_lists() { # NAME...
    local name needs=()
    for name in "$@"; do
        local -n list=NEEDS_$name
        needs+=("${list[@]}")
    done
    need "${needs[@]}"
}

update_package_lists() { [ "${FLANNEL_APT_UPDATED:-}" = true ] || apt-get -qq update; }

install_packages() (
    # Prevents the package of etcd from starting a service.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
    fi
    export DEBIAN_FRONTEND=noninteractive
    mkdir -p "$ARTIFACTS"
    {
        update_package_lists && apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@"
    } >"$ARTIFACTS/apt.log" 2>&1 || { tail -n 20 "$ARTIFACTS/apt.log"; exit 1; }
)

# shellcheck source=/dev/null
release_codename() { (. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}"); }

# The address of a suite of Debian in the configuration of apt.
debian_uri() { # CODENAME
    # shellcheck disable=SC2016 # apt fills these in
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
        awk -v codename="$1" '$2 == codename && $3 == "main" && $4 == "Debian" { print $1; exit }'
}

# Container images have no package lists. Without them apt finds no release and no package.
ensure_package_lists() {
    command -v apt-get >/dev/null || return 0
    # shellcheck disable=SC2016 # apt fills it in
    [ -z "$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages')" ] && [ "$(id -u)" -eq 0 ] || return 0
    update_package_lists >/dev/null 2>&1 || true
}

# The code name and the address of this machine's release of Debian, as two words. Fails on other systems.
debian_source() {
    local codename uri
    command -v apt-get >/dev/null || return 1
    ensure_package_lists
    codename=$(release_codename)
    uri=$(debian_uri "$codename")
    [ -n "$uri" ] && printf '%s %s\n' "$codename" "$uri"
}

# The settings of apt on this machine for downloads (proxy, time-outs, checks), as lines of apt.conf.
apt_settings() { apt-config dump | grep -E '^Acquire::(https?::|ftp::|Check-|Retries|ForceIP)' || true; }

# Sets APT_OPTIONS: a configuration of apt in FOLDER, separate from that of this machine, for a release on this machine's mirror of Debian.
make_apt_folder() { # FOLDER SUITE ARCHITECTURE [deb | deb-src]...
    local folder=$1 suite=$2 architecture=$3 codename uri security='' type
    shift 3
    read -r codename uri < <(debian_source) || return 1
    # apt has the address of security updates of this machine's release only.
    if [ "$suite" = "$codename" ]; then security=$(debian_uri "$suite-security"); fi
    mkdir -p "$folder"/{state/lists/partial,cache/archives/partial} || return 1
    : >"$folder/status"
    for type in "$@"; do
        printf '%s [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
            "$type" "$uri" "$suite" ${security:+"$type" "$security" "$suite-security"}
    done >"$folder/sources.list"
    APT_OPTIONS=(-qq -o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State=$folder/state"
        -o "Dir::State::status=$folder/status" -o "Dir::Cache=$folder/cache"
        -o Acquire::Languages=none -o APT::Sandbox::User=root -o "APT::Architecture=$architecture" -o "APT::Architectures::=$architecture")
}

# Unpacks packages of a release and an architecture of Debian into FOLDER, without installing them. FOLDER/packages lists them with their
# versions. FOLDER exists only if everything succeeds.
# With --dependencies also the packages that they depend on, and FOLDER/contents lists the files: package and path.
fetch_packages() ( # SUITE ARCHITECTURE FOLDER [--dependencies] PACKAGE...
    local suite=$1 architecture=$2 folder=$3 package fetch=(download) name
    shift 3
    if [ "$1" = --dependencies ]; then
        fetch=(install --download-only --yes --no-install-recommends)
        shift
    fi
    command -v dpkg-deb >/dev/null || exit 1
    rm -rf "$folder" "$folder.part"
    mkdir -p "$folder.part" && cd "$folder.part" && make_apt_folder "$PWD/.apt" "$suite" "$architecture" deb || exit 1
    shopt -s nullglob
    {
        timeout 300 apt-get "${APT_OPTIONS[@]}" update && timeout 300 apt-get "${APT_OPTIONS[@]}" "${fetch[@]}" "$@" &&
            for package in *.deb .apt/cache/archives/*.deb; do
                # shellcheck disable=SC2016 # dpkg-deb fills these in
                dpkg-deb -x "$package" . && dpkg-deb -W --showformat='${Package} ${Version}\n' "$package" >>packages || exit 1
                [ "${fetch[0]}" = install ] || continue
                name=$(dpkg-deb -f "$package" Package)
                dpkg-deb --fsys-tarfile "$package" | tar -t | sed "s|^\./|$name |" >>contents || exit 1
            done
    } >.apt/log 2>&1 || { tail -n 5 .apt/log; exit 1; }
    rm -rf .apt ./*.deb
    mv "$folder.part" "$folder"
)

# --- version and time of the sources -----------------------------------------------------------------------------------------------------

# The version of the next release.
base_version() { sed -n 's/.*<Version>\([^<]*\)<.*/\1/p' Directory.Build.props; }

# X.Y.Z when HEAD carries the tag vX.Y.Z; nothing otherwise.
tagged_version() {
    local tag
    tag=$(git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null) || return 0
    printf '%s' "${tag#v}"
}

# The version that flanneld --version prints. Between releases it names no commit, so that equal sources make equal bytes.
program_version() {
    local tagged
    tagged=$(tagged_version)
    printf '%s' "${tagged:-$(base_version)-dev}"
}

# The version of the packages: VERSION, or the tag, or else a version that names the commit and sorts before the next release, or after
# the last one if that is already tagged.
package_version() {
    local tagged commits commit
    tagged=$(tagged_version)
    if [ -n "${VERSION:-}" ]; then
        printf '%s' "$VERSION"
    # v1.0.0-rc.1 sorts before v1.0.0. In versions of deb and rpm, '~' has this meaning and '-' another.
    elif [ -n "$tagged" ]; then
        printf '%s' "${tagged//-/\~}"
    elif commits=$(git rev-list --count HEAD 2>/dev/null); then
        commit=$(git rev-parse --short=8 HEAD)
        if git rev-parse -q --verify "refs/tags/v$(base_version)" >/dev/null; then
            printf '%s+%s.g%s' "$(base_version)" "$commits" "$commit"
        else
            printf '%s~dev%s.g%s' "$(base_version)" "$commits" "$commit"
        fi
    else
        printf '%s~dev' "$(base_version)"
    fi
}

# The time of the files in the packages, in seconds since 1970: that of the last commit, so that equal commits make equal packages.
source_date_epoch() {
    printf '%s' "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date -u -d 2026-01-01 +%s)}"
}

# --- architectures -----------------------------------------------------------------------------------------------------------------------

# This repository uses the names of Debian and OCI (amd64, arm64). .NET and rpm have others.
rid_of() { translate architecture "$1" amd64=linux-x64 arm64=linux-arm64; }
architecture_of() { translate runtime "$1" linux-x64=amd64 linux-arm64=arm64; }
rpm_architecture_of() { translate architecture "$1" amd64=x86_64 arm64=aarch64; }
machine_architecture() { case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac; }

translate() { # KIND NAME FROM=TO...
    local kind=$1 name=$2 pair known=()
    shift 2
    for pair in "$@"; do
        if [ "$name" = "${pair%%=*}" ]; then
            printf '%s\n' "${pair#*=}"
            return
        fi
        known+=("${pair%%=*}")
    done
    fail "unknown $kind '$name'; use ${known[0]} or ${known[1]}"
}
