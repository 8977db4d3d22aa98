#!/usr/bin/env bash
# packaging/changelog.sh VERSION: prints packaging/changelog in Debian's format. The first entry gets VERSION and the time of the commit.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
# shellcheck source=eng/lib.sh
. eng/lib.sh
# shellcheck source=packaging/project.sh
. packaging/project.sh

awk -v version="$1" -v maintainer="$PROJECT_MAINTAINER" -v date="$(LC_ALL=C date -u -R -d "@$(source_date_epoch)")" '
    /^[a-z]/ && !named { sub(/\([^)]*\)/, "(" version ")"); named = 1 }
    /^ -- @MAINTAINER@  / {
        time = dated ? substr($0, length(" -- @MAINTAINER@  ") + 1) : date
        $0 = " -- " maintainer "  " time
        dated = 1
    }
    { print }' packaging/changelog
