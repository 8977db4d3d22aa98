#!/usr/bin/env bash
# packaging/container/build.sh [--tools] ARCH…: makes the container image for amd64, arm64 or both.
# Writes artifacts/packages/flanneld-VERSION-oci.tar, an OCI image layout with one index, and an SBOM for each architecture.
# With --tools the image flanneld-VERSION-tools-oci.tar: the same layer, and one with the programs that change the network of the host.
#
# There is no base image, and nothing is executed in the image, so that no container engine is needed: an image is a few JSON documents and
# a tar file. The same commit gives the same digest; with --tools also the packages of Debian must be the same.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C
umask 022
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

# shellcheck source=eng/lib.sh
. eng/lib.sh
# shellcheck source=packaging/project.sh
. packaging/project.sh

# Not /etc/ssl/certs/ca-certificates.crt: it also contains the authorities that were added on this machine.
AUTHORITIES=/usr/share/ca-certificates/mozilla
# The usual id in images without a distribution: no user of a host has it.
USER_ID=65532

# --- the file system -----------------------------------------------------------------------------------------------------------

file_system() { # ARCH FOLDER
    local built root=$2
    built=$ARTIFACTS/$(rid_of "$1")
    mkdir -p "$root"/{opt/bin,etc/ssl/certs,run/flannel,usr/share/doc/flanneld}
    # The path of upstream flannel.
    install -m 755 "$built/flanneld" "$root/opt/bin/flanneld"
    # The program of the init container install-cni in upstream's kube-flannel.yml.
    ln -s flanneld "$root/opt/bin/install-conf"
    install -m 644 "$built/flanneld.notices" "$root/usr/share/doc/flanneld/copyright"
    cat "$AUTHORITIES"/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
    printf 'root:x:0:0:root:/:/sbin/nologin\nflanneld:x:%s:%s:flanneld:/:/sbin/nologin\n' "$USER_ID" "$USER_ID" >"$root/etc/passwd"
    printf 'root:x:0:\nflanneld:x:%s:\n' "$USER_ID" >"$root/etc/group"
}

layer() { # FOLDER OWNER OUT: the tar file, with the folder of the daemon's user last
    local options=(--format=ustar --numeric-owner --mtime="@$EPOCH" --no-recursion -C "$1")
    (cd "$1" && find . -mindepth 1 ! -path ./run/flannel -printf '%P\0' | sort -z) |
        tar -c "${options[@]}" --owner=0 --group=0 --null --files-from=- -f "$3"
    tar -r "${options[@]}" --owner="$2" --group="$2" -f "$3" run/flannel
}

# --- the documents -------------------------------------------------------------------------------------------------------------

digest() { printf 'sha256:%s' "$(sha256sum <"$1" | cut -d' ' -f1)"; }

# Moves a file to the blobs and prints its descriptor.
blob() { # FILE MEDIATYPE
    local sum size
    sum=$(digest "$1") size=$(stat -c %s "$1")
    mv "$1" "$LAYOUT/blobs/sha256/${sum#sha256:}"
    jq -cn --arg type "$2" --arg digest "$sum" --argjson size "$size" '{mediaType: $type, digest: $digest, size: $size}'
}

# https://github.com/opencontainers/image-spec/blob/main/annotations.md; base.name is absent because there is no base image.
annotations() { # SBOM
    local revision source=${SOURCE_URL:-}
    revision=$(git rev-parse HEAD 2>/dev/null || true)
    # The origin of the clone, if it is an https address. It may contain a token of the build machine.
    if [ -z "$source" ] && source=$(git remote get-url origin 2>/dev/null); then
        case $source in https://*@*) source=https://${source#*@} ;; https://*) ;; *) source= ;; esac
        source=${source%.git}
    fi
    jq -c --arg created "$CREATED" --arg version "$VERSION" --arg revision "$revision" --arg source "$source" --arg vendor "$PROJECT_NAME" '
        # The licenses of all components.
        ([.metadata.component, .components[]]
            | [.[].licenses[]? | .license.id // .expression | if test(" OR ") then "(\(.))" else . end]
            | unique | join(" AND ")) as $licenses
        | {
            created: $created, version: $version, revision: $revision, licenses: $licenses, source: $source,
            documentation: (if $source == "" then ""
                else $source + "/blob/" + (if $revision == "" then "main" else $revision end) + "/packaging/container/README.md" end),
            title: "flanneld", vendor: $vendor,
            description: "flannel for Alibaba Cloud VPC: leases a subnet from etcd; the VPC routes it to this node"
          }
        | with_entries(select(.value != "") | .key |= "org.opencontainers.image." + .)' "$1"
}

# The plain image has no program that changes the host, so that its user needs no capability. The programs of -tools need CAP_NET_ADMIN,
# which Kubernetes and Docker give to root only.
configuration() { # ARCH ANNOTATIONS DIFF_ID…
    local architecture=$1 labels=$2 user=$USER_ID path=/opt/bin variant=plain
    shift 2
    if [ -n "$SUFFIX" ]; then user=0 path=/opt/bin:/usr/sbin variant=tools; fi
    jq -cn --arg architecture "$architecture" --argjson labels "$labels" --arg created "$CREATED" --arg user "$user:$user" \
        --arg path "$path" --arg variant "$variant" '{
        created: $created, architecture: $architecture, os: "linux",
        config: {
            User: $user,
            Env: [
                "PATH=\($path)",
                # .NET needs a home folder.
                "HOME=/",
                # A message about a missing program names the image that has it.
                # Without other settings the health server listens at 127.0.0.1:8471, and the health check connects there.
                "FLANNELD_IMAGE=\($variant)"
            ],
            Entrypoint: ["/opt/bin/flanneld"],
            WorkingDir: "/",
            Labels: $labels,
            StopSignal: "SIGTERM",
            # Not part of OCI, but read by engines that know it from Docker. Nanoseconds.
            Healthcheck: {
                Test: ["CMD", "/opt/bin/flanneld", "healthcheck"],
                Interval: 30000000000, Timeout: 6000000000, StartPeriod: 60000000000, Retries: 3
            }
        },
        rootfs: {type: "layers", diff_ids: $ARGS.positional},
        history: [$ARGS.positional[] | {created: $created, created_by: "packaging/container/build.sh"}]
    }' --args "$@"
}

# Creates the folders of the layers of an image below WORK, and prints them in their order, as NAME OWNER.
layers_of() { # ARCH WORK
    file_system "$1" "$2/root"
    printf '%s %s\n' root "$USER_ID"
    [ -n "$SUFFIX" ] || return 0
    mkdir -p "$2/tools/run/flannel"
    packaging/container/tools.sh "$1" "$2/tools" "$(inventory_of "$1")"
    printf '%s %s\n' tools 0
}

image() { # ARCH: prints the descriptor for the index
    local architecture=$1 work=$WORK/$1 notes config name owner differences=() layers=()
    mkdir -p "$work"
    layers_of "$architecture" "$work" >"$work/layers"
    while read -r name owner; do
        layer "$work/$name" "$owner" "$work/layer"
        differences+=("$(digest "$work/layer")")
        # libdeflate -12 compresses more than gzip -9, in the same format. Every engine and registry can read gzip, unlike zstd.
        libdeflate-gzip -12 -c "$work/layer" >"$work/layer.gz"
        layers+=("$(blob "$work/layer.gz" application/vnd.oci.image.layer.v1.tar+gzip)")
    done <"$work/layers"
    FOR=image SUFFIX=$SUFFIX MORE=$(inventory_of "$architecture") packaging/sbom/build.sh "$architecture"
    notes=$(annotations "$(sbom_of "$architecture")")
    configuration "$architecture" "$notes" "${differences[@]}" >"$work/config"
    config=$(blob "$work/config" application/vnd.oci.image.config.v1+json)
    printf '%s\n' "${layers[@]}" | jq -cs --argjson config "$config" --argjson notes "$notes" \
        '{
            schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
            config: $config, layers: ., annotations: $notes
        }' >"$work/manifest"
    blob "$work/manifest" application/vnd.oci.image.manifest.v1+json |
        jq -c --arg architecture "$architecture" '. + {platform: {architecture: $architecture, os: "linux"}}'
}

# --- the archive ---------------------------------------------------------------------------------------------------------------

sbom_of() { printf '%s' "$ARTIFACTS/packages/flanneld-$VERSION$SUFFIX-oci-$1.cdx.json"; } # ARCH
# The components of the image other than the executable, in the format of packaging/sbom/inventory.sh.
inventory_of() { printf '%s' "$WORK/inventory-$1"; } # ARCH

describe_authorities() { # ARCH
    local package=ca-certificates version=- purl=-
    if version=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null); then
        # shellcheck source=/dev/null
        purl=$(. /etc/os-release && jq -rn --arg id "$ID" --arg distro "$ID-${VERSION_ID:-sid}" --arg version "$version" \
            '"pkg:deb/\($id)/ca-certificates@\($version | @uri)?arch=all&distro=\($distro)"')
    fi
    printf 'data\t%s\t%s\t%s\t%s\tMPL-2.0\thttps://tracker.debian.org/pkg/ca-certificates\n' \
        "$package" "$version" "$purl" "$(cat "$AUTHORITIES"/*.crt | sha256sum | cut -d' ' -f1)" >"$(inventory_of "$1")"
}

layout() { # ARCH…
    local architecture notes index
    mkdir -p "$LAYOUT/blobs/sha256"
    printf '{"imageLayoutVersion":"1.0.0"}' >"$LAYOUT/oci-layout"
    for architecture in "$@"; do
        describe_authorities "$architecture"
        image "$architecture"
    done >"$WORK/manifests"
    notes=$(annotations "$(sbom_of "$1")")
    jq -cs --argjson notes "$notes" \
        '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: ., annotations: $notes}' \
        "$WORK/manifests" >"$WORK/index"
    index=$(blob "$WORK/index" application/vnd.oci.image.index.v1+json)
    # The name after the image is loaded: localhost is no registry. A tag can contain neither ~ nor +.
    jq -cn --argjson index "$index" --arg name "localhost/flanneld:${VERSION//[~+]/-}$SUFFIX" '{
        schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json",
        manifests: [$index + {annotations: {"org.opencontainers.image.ref.name": $name, "io.containerd.image.name": $name}}]
    }' >"$LAYOUT/index.json"
    jq -r '"    " + .digest' <<<"$index"
}

SUFFIX=
if [ "${1:-}" = --tools ]; then
    SUFFIX=-tools
    shift
fi
[ $# -ne 0 ] || fail "usage: packaging/container/build.sh [--tools] ARCH…"
need_lists IMAGE
VERSION=$(package_version)
EPOCH=$(source_date_epoch)
CREATED=$(date -u -d "@$EPOCH" +%Y-%m-%dT%H:%M:%SZ)
for architecture in "$@"; do
    for file in flanneld flanneld.notices; do
        folder=$(rid_of "$architecture")
        [ -s "$ARTIFACTS/$folder/$file" ] || fail "no artifacts/$folder/$file: ./build.sh package makes it"
    done
done
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
LAYOUT=$WORK/layout
layout "$@"
tar -c --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$EPOCH" --mode=u=rwX,go=rX -C "$LAYOUT" \
    -f "$ARTIFACTS/packages/flanneld-$VERSION$SUFFIX-oci.tar" blobs index.json oci-layout
