#!/bin/bash
# Docker's options from flannel's subnet.env. The same options and output as the script of that name in upstream flannel;
# unlike it, a subnet.env that is missing or incomplete is an error, and nothing is written: Docker must not start without the
# subnet. The file is read and not run.
set -u

usage() {
    cat >&2 <<TEXT
Usage: ${0##*/} [-f FLANNEL-ENV-FILE] [-d DOCKER-ENV-FILE] [-i] [-c] [-m] [-k COMBINED-KEY]

  -f  flannel's file (default /run/flannel/subnet.env)
  -d  the file to write (default /run/docker_opts.env)
  -i  each option as a variable of its own: DOCKER_OPT_BIP, DOCKER_OPT_IPMASQ, DOCKER_OPT_MTU
  -c  all options in one variable; neither -i nor -c means both
  -k  the name of that one variable (default DOCKER_OPTS); what it holds in the environment comes first
  -m  leave --ip-masq out
TEXT
    exit 1
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 1
}

flannel_file=/run/flannel/subnet.env docker_file=/run/docker_opts.env key=DOCKER_OPTS
single=false combined=false masquerade=true
while getopts f:d:icmk: option; do
    case $option in
        f) flannel_file=$OPTARG ;;
        d) docker_file=$OPTARG ;;
        i) single=true ;;
        c) combined=true ;;
        m) masquerade=false ;;
        k) key=$OPTARG ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 0 ] || usage
[[ $key =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || fail "-k must be the name of a variable, not '$key'"
if [ $single = false ] && [ $combined = false ]; then single=true combined=true; fi

[ -r "$flannel_file" ] || fail "cannot read $flannel_file: flanneld has no subnet yet (systemctl status flanneld)"
subnet='' mtu='' flannel_masquerades=''
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
        FLANNEL_SUBNET=*) subnet=${line#*=} ;;
        FLANNEL_MTU=*) mtu=${line#*=} ;;
        FLANNEL_IPMASQ=*) flannel_masquerades=${line#*=} ;;
    esac
done <"$flannel_file"
[[ $subnet =~ ^[0-9]+(\.[0-9]+){3}/[0-9]+$ ]] || fail "$flannel_file has no FLANNEL_SUBNET such as 10.24.5.1/24"
[[ $mtu =~ ^[0-9]+$ ]] || fail "$flannel_file has no FLANNEL_MTU"

# shellcheck disable=SC2034 # read below, by name
DOCKER_OPT_BIP=--bip=$subnet DOCKER_OPT_MTU=--mtu=$mtu DOCKER_OPT_IPMASQ=
# One of the two masquerades, never both.
case $flannel_masquerades in
    true) DOCKER_OPT_IPMASQ+=--ip-masq=false ;;
    false) DOCKER_OPT_IPMASQ+=--ip-masq=true ;;
    *) fail "$flannel_file has no FLANNEL_IPMASQ that is true or false" ;;
esac
[ $masquerade = true ] || unset DOCKER_OPT_IPMASQ

# Whatever else is called DOCKER_OPT_… in the environment goes along.
text='' all=${!key:-}
for name in $(compgen -v DOCKER_OPT_); do
    if [ $single = true ]; then text+="$name=\"${!name}\""$'\n'; fi
    all+=" ${!name}"
done
if [ $combined = true ]; then text+="$key=\"$all\""$'\n'; fi

# As a whole or not at all, and for Docker to read whatever the umask is.
new=$(mktemp "$docker_file.XXXXXX") || fail "cannot write $docker_file"
trap 'rm -f "$new"' EXIT
{ printf '%s' "$text" >"$new" && chmod 644 "$new" && mv -f "$new" "$docker_file"; } || fail "cannot write $docker_file"
