#!/usr/bin/env bash
# changelog.sh VERSION: packaging/changelog in Debian's form, its first entry under VERSION and the time of the sources.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
# shellcheck source=eng/lib.sh
. eng/lib.sh

awk -v version="$1" -v date="$(LC_ALL=C date -u -R -d "@$(source_date_epoch)")" '
    /^[a-z]/ && !named { sub(/\([^)]*\)/, "(" version ")"); named = 1 }
    /^ -- / && !dated { sub(/>  .*/, ">  " date); dated = 1 }
    { print }' packaging/changelog
