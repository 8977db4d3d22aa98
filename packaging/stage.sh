#!/usr/bin/env bash
# Lays out below FOLDER what deb and rpm share, each at the paths of its distributions.
# stage.sh FOLDER deb|rpm ARCH; with FOLDER/debug for the symbols when SYMBOLS is set.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
# shellcheck source=eng/lib.sh
. eng/lib.sh

folder=$1 family=$2 architecture=$3
executable=$ARTIFACTS/$(rid_of "$architecture")/flanneld
[ -x "$executable" ] || fail "no $executable: ./build.sh package $architecture makes it"

bash=usr/share/bash-completion/completions fish=usr/share/fish/vendor_completions.d
case $family in
    # debhelper of bookworm finds units in /lib alone; on a merged /usr it is the same folder.
    deb) settings=etc/default libexec=usr/lib/flannel units=lib/systemd/system zsh=usr/share/zsh/vendor-completions ;;
    rpm) settings=etc/sysconfig libexec=usr/libexec/flannel units=usr/lib/systemd/system zsh=usr/share/zsh/site-functions ;;
    *) fail "stage.sh: no family '$family'" ;;
esac

put() { install -D -p -m "$1" "$2" "$folder/$3"; } # MODE SOURCE TARGET

rm -rf "$folder"
put 755 "$executable" usr/sbin/flanneld
put 644 packaging/systemd/flanneld.service "$units/flanneld.service"
put 644 packaging/systemd/flanneld.sysusers usr/lib/sysusers.d/flanneld.conf
put 644 packaging/default/flanneld "$settings/flanneld"
put 755 packaging/mk-docker-opts.sh "$libexec/mk-docker-opts.sh"
for page in packaging/man/*.[58]; do
    put 644 "$page" "usr/share/man/man${page##*.}/${page##*/}"
done
put 644 packaging/completions/flanneld.bash "$bash/flanneld"
put 644 packaging/completions/flanneld.zsh "$zsh/_flanneld"
put 644 packaging/completions/flanneld.fish "$fish/flanneld.fish"
for example in packaging/systemd/examples/*.conf; do
    put 644 "$example" "usr/share/doc/flanneld/examples/${example##*/}"
    sed -i "s|@LIBEXEC@|/$libexec|" "$folder/usr/share/doc/flanneld/examples/${example##*/}"
done
