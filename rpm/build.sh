#!/usr/bin/env bash
# rpm/build.sh ARCH: makes flanneld and flanneld-debuginfo for amd64 or arm64, from the executable of ./build.sh package.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
# shellcheck source=eng/lib.sh
. eng/lib.sh
# shellcheck source=packaging/project.sh
. packaging/project.sh

need_lists RPM

architecture=$1
version=$(package_version)
SOURCE_DATE_EPOCH=$(source_date_epoch)
export SOURCE_DATE_EPOCH
top=$ARTIFACTS/rpm/$architecture
log=$top/build.log

# Every rpm of the supported distributions can read xz. Tests that need another version of the package compress it less.
payload=${RPM_PAYLOAD:-w6.xzdio}

# packaging/changelog in the format of rpm.
rpm_changelog() {
    packaging/changelog.sh "$version" | dpkg-parsechangelog -l - --all --format rfc822 | awk '
        function flush() { if (version != "") printf "* %s %s - %s-1\n%s\n", day, who, version, text; version = ""; text = "" }
        /^Version: / { flush(); version = $2 }
        /^Maintainer: / { sub(/^Maintainer: /, ""); who = $0 }
        /^Date: / { sub(/,/, ""); day = $2 " " $4 " " sprintf("%02d", $3) " " $5 }
        /^   \* / { sub(/^   \* /, "- "); text = text $0 "\n"; next }
        /^     / && text != "" { sub(/^     /, "  "); text = text $0 "\n" }
        END { flush() }'
}

rm -rf "$top"
mkdir -p "$top" "$ARTIFACTS/packages"
packaging/stage.sh "$top/staged" rpm "$architecture"
packaging/stage_symbols.sh "$top/symbols" "$architecture" >/dev/null
{ cat rpm/flanneld.spec; rpm_changelog; } >"$top/flanneld.spec"

rpmbuild -bb --target "$(rpm_architecture_of "$architecture")-linux" \
    --define "_topdir $top" --define "_rpmdir $top/out" \
    --define "package_version $version" --define "project_url $PROJECT_URL" --define "staged $top/staged" --define "symbols $top/symbols" \
    --define "_buildhost localhost" --define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1" \
    --define "build_mtime_policy clamp_to_source_date_epoch" --define "payload $payload" \
    "$top/flanneld.spec" >"$log" 2>&1 || { tail -n 30 "$log"; fail "rpmbuild failed: $log"; }
# Remove packages of other versions.
rm -f "$ARTIFACTS/packages/"flanneld-*."$(rpm_architecture_of "$architecture")".rpm
mv "$top"/out/*/*.rpm "$ARTIFACTS/packages/"
