#!/usr/bin/env bash
# deb/build.sh ARCH: makes flanneld and flanneld-dbgsym for amd64 or arm64 with debhelper, from the executable of ./build.sh package.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
# shellcheck source=eng/lib.sh
. eng/lib.sh
# shellcheck source=packaging/project.sh
. packaging/project.sh

need_lists DEB

architecture=$1
version=$(package_version)
SOURCE_DATE_EPOCH=$(source_date_epoch)
export SOURCE_DATE_EPOCH
tree=$ARTIFACTS/deb/$architecture/flanneld-$version
log=$ARTIFACTS/deb/$architecture/build.log

# The unit must stay restricted: the exposure level is 0 (best) to 10 (worst).
check_unit() {
    local limit=15 score
    score=$(systemd-analyze security --offline=true --no-pager packaging/systemd/flanneld.service |
        sed -n 's/.*Overall exposure level.*: \([0-9]*\)\.\([0-9]\).*/\1\2/p')
    [ -n "$score" ] || fail "systemd-analyze reports no exposure level of flanneld.service"
    [ "$((10#$score))" -lt "$limit" ] ||
        fail "exposure level of flanneld.service is $((10#$score)) tenths; the limit is $limit (systemd-analyze security)"
}

check_unit
rm -rf "$ARTIFACTS/deb/$architecture"
mkdir -p "$tree" "$ARTIFACTS/packages"
packaging/stage.sh "$tree/root" deb "$architecture"
packaging/stage_symbols.sh "$tree/symbols" "$architecture" >"$tree/build-id"
cp -r deb/debian "$tree/debian"
sed -i -e "s|@MAINTAINER@|$PROJECT_MAINTAINER|" -e "s|@URL@|$PROJECT_URL|" "$tree/debian/control"
packaging/changelog.sh "$version" >"$tree/debian/changelog"
cp packaging/licenses/copyright "$tree/debian/copyright"

# -d: no check of build dependencies. The executable is already compiled, so that no compiler is needed.
(cd "$tree" && umask 022 && dpkg-buildpackage -a"$architecture" -b -d -us -uc) >"$log" 2>&1 ||
    { tail -n 30 "$log"; fail "dpkg-buildpackage failed: $log"; }
# Remove packages of other versions.
rm -f "$ARTIFACTS/packages/"flanneld*_"$architecture".deb
mv "$ARTIFACTS/deb/$architecture"/*.deb "$ARTIFACTS/packages/"
