#!/usr/bin/env bash
# packaging/repository/build.sh: makes an apt and a yum repository of artifacts/packages in artifacts/repository, for any web server.
#
# GPG_KEY         a key for gpg --local-user, with its secret key in the keyring of the caller: signs the lists and the rpms
# REPOSITORY_URL  the address at which artifacts/repository will be served; it is written to the files for clients
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
# shellcheck source=eng/lib.sh
. eng/lib.sh
# shellcheck source=packaging/project.sh
. packaging/project.sh

need_lists REPOSITORY

packages=$ARTIFACTS/packages
repository=$ARTIFACTS/repository
url=${REPOSITORY_URL:-$PROJECT_REPOSITORY_URL}
key=${GPG_KEY:-}
suite=stable

sign() { gpg --batch --yes --local-user "$key" --digest-algo SHA512 "$@"; }

# A client with the old Release file still finds the old lists, by their hash.
by_hash() { # FOLDER
    local file hash
    mkdir -p "$1/by-hash/SHA256"
    for file in "$1"/Packages*; do
        hash=$(sha256sum <"$file")
        cp -p "$file" "$1/by-hash/SHA256/${hash%% *}"
    done
}

apt_repository() (
    local architecture folder
    mkdir -p "$repository/apt/pool/main/f/flanneld"
    cp -p "$packages"/*.deb "$repository/apt/pool/main/f/flanneld/"
    cd "$repository/apt"
    for architecture in "$@"; do
        folder=dists/$suite/main/binary-$architecture
        mkdir -p "$folder"
        apt-ftparchive --arch "$architecture" packages pool >"$folder/Packages"
        gzip -9nk "$folder/Packages"
        xz -9k "$folder/Packages"
        by_hash "$folder"
    done
    apt-ftparchive -o APT::FTPArchive::Release::Origin="$PROJECT_NAME" -o APT::FTPArchive::Release::Label=flanneld \
        -o APT::FTPArchive::Release::Suite=$suite -o APT::FTPArchive::Release::Codename=$suite \
        -o APT::FTPArchive::Release::Components=main \
        -o APT::FTPArchive::Release::Architectures="$*" -o APT::FTPArchive::Release::Acquire-By-Hash=yes \
        -o APT::FTPArchive::Release::Description="flannel for Alibaba Cloud VPC" release "dists/$suite" >Release
    mv Release "dists/$suite/Release"
    if [ -n "$key" ]; then
        sign --clearsign --output "dists/$suite/InRelease" "dists/$suite/Release"
        sign --armor --detach-sign --output "dists/$suite/Release.gpg" "dists/$suite/Release"
    fi
)

yum_repository() (
    local architecture rpm folder epoch
    epoch=$(source_date_epoch)
    for architecture in "$@"; do
        rpm=$(rpm_architecture_of "$architecture")
        folder=$repository/yum/$rpm
        mkdir -p "$folder"
        cp -p "$packages"/*."$rpm".rpm "$folder/"
        if [ -n "$key" ]; then rpmsign --define "__gpg $(command -v gpg)" --define "_gpg_name $key" --addsign "$folder"/*.rpm >/dev/null; fi
        createrepo_c --quiet --general-compress-type=gz --revision "$epoch" --set-timestamp-to-revision "$folder"
        if [ -n "$key" ]; then sign --armor --detach-sign --output "$folder/repodata/repomd.xml.asc" "$folder/repodata/repomd.xml"; fi
    done
)

# The files that a client installs below /etc.
client_files() {
    local trust='Trusted: yes' check=0 key_line=
    if [ -n "$key" ]; then
        gpg --batch --armor --export "$key" >"$repository/flanneld.asc"
        trust='Signed-By: /etc/apt/keyrings/flanneld.asc' check=1 key_line="gpgkey=$url/flanneld.asc"
    fi
    printf '%s\n' 'Types: deb' "URIs: $url/apt" "Suites: $suite" 'Components: main' "$trust" >"$repository/flanneld.sources"
    printf '%s\n' '[flanneld]' 'name=flannel for Alibaba Cloud VPC' "baseurl=$url/yum/\$basearch" 'enabled=1' \
        "gpgcheck=$check" "repo_gpgcheck=$check" \
        ${key_line:+"$key_line"} >"$repository/flanneld.repo"
}

install_lines() {
    say "==> Serve artifacts/repository at $url, then on a node:"
    say "    Debian, Ubuntu:"
    if [ -n "$key" ]; then say "      install -d /etc/apt/keyrings && curl -fsSo /etc/apt/keyrings/flanneld.asc $url/flanneld.asc"; fi
    say "      curl -fsSo /etc/apt/sources.list.d/flanneld.sources $url/flanneld.sources"
    say "      apt-get update && apt-get install flanneld"
    say "    Alibaba Cloud Linux, RHEL:"
    say "      curl -fsSo /etc/yum.repos.d/flanneld.repo $url/flanneld.repo"
    say "      dnf install flanneld"
    if [ -z "$key" ]; then say "    Not signed: set GPG_KEY to the name of a key, unless you trust the connection to this server."; fi
}

# The architectures of ./build.sh package.
architectures=()
for architecture in amd64 arm64; do
    if compgen -G "$packages/flanneld_*_$architecture.deb" >/dev/null &&
        compgen -G "$packages/flanneld-*.$(rpm_architecture_of "$architecture").rpm" >/dev/null; then
        architectures+=("$architecture")
    fi
done
[ "${#architectures[@]}" -ne 0 ] || fail "no packages in artifacts/packages: run ./build.sh package"
if [ -n "$key" ]; then gpg --batch --list-secret-keys "$key" >/dev/null 2>&1 || fail "GPG_KEY: gpg has no secret key '$key'"; fi

rm -rf "$repository"
mkdir -p "$repository"
# Not with step: inside it, a command that fails would not end the script.
say "==> apt and yum repository (${architectures[*]})"
apt_repository "${architectures[@]}"
yum_repository "${architectures[@]}"
client_files
install_lines
