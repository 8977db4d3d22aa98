#!/usr/bin/env bash
# packaging/stage.sh FOLDER deb|rpm ARCH: stages the files of a deb or rpm below FOLDER, at the paths of its distributions.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
# shellcheck source=eng/lib.sh
. eng/lib.sh

folder=$1 family=$2 architecture=$3
executable=$ARTIFACTS/$(rid_of "$architecture")/flanneld
[ -x "$executable" ] || fail "missing $executable: run ./build.sh package $architecture"

bash=usr/share/bash-completion/completions fish=usr/share/fish/vendor_completions.d
case $family in
    # debhelper of bookworm finds units in /lib only. With a merged /usr it is the same folder.
    deb) settings=etc/default libexec=usr/lib/flannel units=lib/systemd/system zsh=usr/share/zsh/vendor-completions
        licenses=usr/share/doc/flanneld ;;
    rpm) settings=etc/sysconfig libexec=usr/libexec/flannel units=usr/lib/systemd/system zsh=usr/share/zsh/site-functions
        licenses=usr/share/licenses/flanneld ;;
    *) fail "stage.sh: unknown package type '$family': deb or rpm" ;;
esac

# The notices of the .NET runtime are in the package that the executable was linked from.
notices() {
    local found package
    package=${NUGET_PACKAGES:-$HOME/.nuget/packages}/microsoft.netcore.app.runtime.nativeaot.$(rid_of "$architecture")
    found=$(find "$package" -name THIRD-PARTY-NOTICES.TXT 2>/dev/null | sort -V | tail -n 1)
    [ -n "$found" ] || fail "missing THIRD-PARTY-NOTICES.TXT of the .NET runtime in the restored packages: run ./build.sh publish"
    printf '%s' "$found"
}

# The pages for users, not those for contributors. They keep their paths, so that their links to each other work; links.pl removes others.
documents() {
    printf '%s\n' README.md README.zh-CN.md SECURITY.md packaging/ram/controller-policy.json packaging/ram/trust-policy.json \
        packaging/container/README.md packaging/container/daemonset.yaml packaging/container/daemonset-vxlan.yaml \
        packaging/container/podmonitor.yaml packaging/kubernetes/flanneld.yaml packaging/kubernetes/upstream-rbac.yaml
    find docs -type f ! -path 'docs/adr/*' ! -path docs/failure-modes/tests.md ! -path docs/reference/linked.md \
        ! -name ARCHITECTURE.md ! -name fuzzing.md ! -name mutation.md ! -name simulation.md ! -name simulator.md
}

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
put 644 "$(notices)" "$licenses/THIRD-PARTY-NOTICES.dotnet"
for example in packaging/systemd/examples/*.conf; do
    put 644 "$example" "usr/share/doc/flanneld/examples/${example##*/}"
    sed -i "s|@LIBEXEC@|/$libexec|" "$folder/usr/share/doc/flanneld/examples/${example##*/}"
done
for file in alerts.yaml dashboard.json; do put 644 "packaging/prometheus/$file" "usr/share/flanneld/$file"; done
mapfile -t documents < <(documents)
for document in "${documents[@]}"; do
    put 644 "$document" "usr/share/doc/flanneld/$document"
    case $document in *.md) packaging/links.pl "$document" "${documents[@]}" >"$folder/usr/share/doc/flanneld/$document" ;; esac
done
# Debian has these in /usr/share/common-licenses.
if [ "$family" = rpm ]; then
    for text in packaging/licenses/*.txt packaging/licenses/copyright; do put 644 "$text" "$licenses/${text##*/}"; done
    # The OpenSSL that is linked in is Debian's, and reads the certificate authorities from the path of Debian.
    mkdir -p "$folder/usr/lib/ssl"
    ln -s ../../../etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem "$folder/usr/lib/ssl/cert.pem"
fi
# The bytes of the packages must not depend on the time and place of the build.
find "$folder" -exec touch -h -d "@$(source_date_epoch)" {} +
