# shellcheck shell=bash
# What build.sh and the scripts of packaging/, deb/ and rpm/ share. Sourced, with the repository's top folder as the current one.

# FLANNEL_ARTIFACTS: elsewhere than usual, for a package that is not to lie beside the others.
ARTIFACTS=${FLANNEL_ARTIFACTS:-$PWD/artifacts}

# --- saying what happens -------------------------------------------------------------------------------------------------------

say() { printf '%s\n' "$*"; }
fail() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }
milliseconds() { local now=${EPOCHREALTIME/[.,]/}; echo $((now / 1000)); }
seconds_since() { local ms=$(($(milliseconds) - $1)); printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100)); }

# step TITLE COMMAND…: says what is done, shows the command's output as it comes, then says how long it took.
step() {
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

# --- what the machine must have ------------------------------------------------------------------------------------------------

need() {
    local entry what package missing=()
    for entry in "$@"; do
        what=${entry%%:*} package=${entry##*:}
        case $what in
            /*) [ -e "$what" ] || missing+=("$package") ;;
            *) command -v "$what" >/dev/null || [ -x "/usr/sbin/$what" ] || missing+=("$package") ;;
        esac
    done
    [ "${#missing[@]}" -eq 0 ] && return
    command -v apt-get >/dev/null || fail "missing on this machine: ${missing[*]} (names of Debian packages)"
    [ "$(id -u)" -eq 0 ] || fail "missing on this machine: as root run: apt-get install ${missing[*]}"
    step "Installing ${missing[*]}" install_packages "${missing[@]}" || fail "could not install: ${missing[*]}"
}

install_packages() (
    # The etcd package would start a service of its own on this machine: nothing here wants it.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
    fi
    export DEBIAN_FRONTEND=noninteractive
    mkdir -p "$ARTIFACTS"
    {
        apt-get update -qq &&
            apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@"
    } >"$ARTIFACTS/apt.log" 2>&1 || { tail -n 20 "$ARTIFACTS/apt.log"; exit 1; }
)

# shellcheck source=/dev/null
release_codename() { (. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}"); }

# Where this machine's apt has Debian's packages of that suite from.
debian_uri() { # CODENAME
    # shellcheck disable=SC2016 # apt fills these in
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
        awk -v codename="$1" '$2 == codename && $3 == "main" && $4 == "Debian" { print $1; exit }'
}

# The release of this Debian and where apt gets its packages from, as two words; fails on what is no Debian.
debian_source() {
    local codename uri
    command -v apt-get >/dev/null || return 1
    codename=$(release_codename)
    uri=$(debian_uri "$codename")
    [ -n "$uri" ] && printf '%s %s\n' "$codename" "$uri"
}

# Debian's packages of another release or architecture, unpacked into FOLDER and not installed. They are fetched by apt from where this machine's
# own come, with a configuration of its own that leaves the machine's as it is. FOLDER/packages lists them. Made whole or not at all.
fetch_packages() ( # SUITE ARCHITECTURE FOLDER PACKAGE…
    local suite=$1 architecture=$2 folder=$3 codename uri security='' options package
    shift 3
    command -v dpkg-deb >/dev/null && read -r codename uri < <(debian_source) || exit 1
    # Of its own release this machine has the security updates, too.
    if [ "$suite" = "$codename" ]; then security=$(debian_uri "$suite-security"); fi
    rm -rf "$folder" "$folder.part"
    mkdir -p "$folder.part"/.apt/{state/lists/partial,cache/archives/partial} && cd "$folder.part" || exit 1
    : >.apt/status
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$uri" "$suite" ${security:+"$security" "$suite-security"} >.apt/sources.list
    options=(-qq -o "Dir::Etc::sourcelist=$PWD/.apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State=$PWD/.apt/state" -o "Dir::State::status=$PWD/.apt/status" -o "Dir::Cache=$PWD/.apt/cache"
        -o Acquire::Languages=none -o APT::Sandbox::User=root -o "APT::Architecture=$architecture" -o "APT::Architectures::=$architecture")
    {
        timeout 300 apt-get "${options[@]}" update && timeout 300 apt-get "${options[@]}" download "$@" &&
            for package in *.deb; do
                # shellcheck disable=SC2016 # dpkg-deb fills these in
                dpkg-deb -x "$package" . && dpkg-deb -W --showformat='${Package} ${Version}\n' "$package" >>packages || exit 1
            done
    } >.apt/log 2>&1 || { tail -n 5 .apt/log; exit 1; }
    rm -rf .apt ./*.deb
    mv "$folder.part" "$folder"
)

# --- version and time of the sources -------------------------------------------------------------------------------------------

# The sources' next release, as Directory.Build.props has it.
base_version() { sed -n 's/.*<Version>\([^<]*\)<.*/\1/p' Directory.Build.props; }

# X.Y.Z when HEAD carries the tag vX.Y.Z; nothing otherwise.
tagged_version() {
    local tag
    tag=$(git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null) || return 0
    printf '%s' "${tag#v}"
}

# What the executable says of itself. Between releases it names no commit: equal sources make equal bytes, and no commit compiles anew.
program_version() {
    local tagged
    tagged=$(tagged_version)
    printf '%s' "${tagged:-$(base_version)-dev}"
}

# What the packages are called: the tag; or, between releases, a version that names the commit and sorts before the release to come,
# or after the one that was. VERSION overrides it.
package_version() {
    local tagged commits commit
    tagged=$(tagged_version)
    if [ -n "${VERSION:-}" ]; then printf '%s' "$VERSION"
    # v1.0.0-rc.1 comes before v1.0.0: deb and rpm say that by '~', and take '-' for something else.
    elif [ -n "$tagged" ]; then printf '%s' "${tagged//-/\~}"
    elif commits=$(git rev-list --count HEAD 2>/dev/null); then
        commit=$(git rev-parse --short=8 HEAD)
        if git rev-parse -q --verify "refs/tags/v$(base_version)" >/dev/null; then printf '%s+%s.g%s' "$(base_version)" "$commits" "$commit"
        else printf '%s~dev%s.g%s' "$(base_version)" "$commits" "$commit"; fi
    else printf '%s~dev' "$(base_version)"; fi
}

# Seconds since 1970 that every file in a package carries: those of the last commit, so that the same commit makes the same packages.
source_date_epoch() { printf '%s' "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date -u -d 2026-01-01 +%s)}"; }

# --- architectures -------------------------------------------------------------------------------------------------------------

# Debian's and OCI's names (amd64, arm64) are ours; these are what .NET and rpm call them.
rid_of() { case $1 in amd64) echo linux-x64 ;; arm64) echo linux-arm64 ;; *) fail "no architecture '$1': amd64 or arm64" ;; esac; }
architecture_of() { case $1 in linux-x64) echo amd64 ;; linux-arm64) echo arm64 ;; *) fail "no runtime '$1': linux-x64 or linux-arm64" ;; esac; }
rpm_architecture_of() { case $1 in amd64) echo x86_64 ;; arm64) echo aarch64 ;; *) fail "no architecture '$1': amd64 or arm64" ;; esac; }
machine_architecture() { case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac; }
