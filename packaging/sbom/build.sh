#!/usr/bin/env bash
# packaging/sbom/build.sh ARCH…: the SBOM of an executable, and of packages that contain nothing else (deb, rpm).
# With FOR=image it is the SBOM of the container image, which has the components of the inventory MORE in addition. SUFFIX is that of the
# image's name.
# Writes CycloneDX 1.6 to artifacts/packages/flanneld-VERSION-ARCH.cdx.json. The same inputs give the same bytes: the time is that of the
# last commit, and the serial number is derived from the content.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."

# shellcheck source=eng/lib.sh
. eng/lib.sh

# The SPDX identifier of the project's license, from LICENSE. Empty in a copy of the sources that has no LICENSE.
project_license() {
    [ -f LICENSE ] || return 0
    if grep -q '^SPDX-License-Identifier: ' LICENSE; then sed -n 's/^SPDX-License-Identifier: //p' LICENSE | head -n 1
    elif grep -qi 'Apache License' LICENSE && grep -qi 'Version 2\.0' LICENSE; then printf 'Apache-2.0'
    else fail "unknown license in LICENSE: add a line 'SPDX-License-Identifier: …'"; fi
}

# Derives the serial number from the content: the first 122 bits of its hash as a version 8 UUID (RFC 9562).
serial_number() {
    local sum
    sum=$(sha256sum | cut -d' ' -f1)
    printf 'urn:uuid:%s-%s-8%s-%x%s-%s' "${sum:0:8}" "${sum:8:4}" "${sum:12:3}" $((0x${sum:15:1} & 3 | 8)) "${sum:16:3}" "${sum:19:12}"
}

document() { # NAME TYPE PURL EXECUTABLE INVENTORY…
    local name=$1 type=$2 purl=$3 hash='' text
    if [ "$type" = application ]; then hash=$(sha256sum <"$4" | cut -d' ' -f1); fi
    shift 4
    text=$(cat "$@" | jq -nR --arg name "$name" --arg version "$VERSION" --arg type "$type" --arg purl "$purl" --arg hash "$hash" \
        --arg license "$(project_license)" --arg created "$CREATED" -f packaging/sbom/cyclonedx.jq)
    jq --arg serial "$(printf '%s' "$text" | serial_number)" '{"$schema", bomFormat, specVersion, serialNumber: $serial} + .' <<<"$text"
}

[ $# -ne 0 ] || fail "usage: packaging/sbom/build.sh ARCH…"
need_lists SBOM
VERSION=$(package_version)
CREATED=$(date -u -d "@$(source_date_epoch)" +%Y-%m-%dT%H:%M:%SZ)
mkdir -p "$ARTIFACTS/packages"
for architecture in "$@"; do
    folder=$ARTIFACTS/$(rid_of "$architecture")
    [ -s "$folder/flanneld.linked" ] || fail "missing $folder/flanneld.linked, the list of linked components: run ./build.sh publish"
    purl="pkg:generic/flanneld@$(jq -rn --arg version "$VERSION" '$version | @uri')?arch=$architecture"
    case ${FOR:-executable} in
        executable)
            document flanneld application "$purl" "$folder/flanneld" "$folder/flanneld.linked" \
                >"$ARTIFACTS/packages/flanneld-$VERSION-$architecture.cdx.json" ;;
        image)
            document flanneld container "$purl&type=oci" "$folder/flanneld" "$folder/flanneld.linked" "$MORE" \
                >"$ARTIFACTS/packages/flanneld-$VERSION${SUFFIX:-}-oci-$architecture.cdx.json" ;;
        *) fail "FOR is executable or image, not '$FOR'" ;;
    esac
done
