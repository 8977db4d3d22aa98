#!/usr/bin/env bash
# packaging/stage_symbols.sh FOLDER ARCH: stages the symbols where gdb finds them by the build id, and prints the build id.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
# shellcheck source=eng/lib.sh
. eng/lib.sh

folder=$1 architecture=$2
built=$ARTIFACTS/$(rid_of "$architecture")
id=$(readelf -n "$built/flanneld" | sed -n 's/^ *Build ID: *//p')
[ -n "$id" ] || fail "$built/flanneld has no build id"
[ "$(readelf -n "$built/flanneld.dbg" | sed -n 's/^ *Build ID: *//p')" = "$id" ] ||
    fail "$built/flanneld.dbg belongs to another executable: run ./build.sh publish"
install -D -p -m 644 "$built/flanneld.dbg" "$folder/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug"
find "$folder" -exec touch -h -d "@$(source_date_epoch)" {} +
say "$id"
