#!/bin/sh
# Converts flannel's subnet.env to options for Docker. Options and output are those of the script of that name in upstream flannel.
# Differences: a subnet.env that is missing or incomplete is an error and nothing is written, because Docker must not start without
# the subnet; and the file is read, not executed.
set -u

usage() {
    cat >&2 <<TEXT
Usage: ${0##*/} [-f FLANNEL-ENV-FILE] [-d DOCKER-ENV-FILE] [-i] [-c] [-m] [-k COMBINED-KEY]

  -f  flannel's file (default /run/flannel/subnet.env)
  -d  the file to write (default /run/docker_opts.env); a link is written through
  -i  each option as a variable of its own: DOCKER_OPT_BIP, DOCKER_OPT_IPMASQ, DOCKER_OPT_MTU
  -c  all options in one variable; neither -i nor -c means both
  -k  the name of that one variable (default DOCKER_OPTS); its value in the environment comes first
  -m  omit --ip-masq
TEXT
    exit 1
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 1
}

matches() { # TEXT EXPRESSION: whether the whole text matches; it must be one line
    case $1 in *"
"*) return 1 ;; esac
    printf '%s\n' "$1" | grep -Eqx -e "$2"
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
matches "$key" '[A-Za-z_][A-Za-z0-9_]*' || fail "-k must be the name of a variable, not '$key'"
if [ $single = false ] && [ $combined = false ]; then single=true combined=true; fi

[ -d "$docker_file" ] && fail "$docker_file is a folder: -d must name a file"
# shellcheck disable=SC3013 # dash, bash and busybox all have -ef
if [ "$docker_file" -ef "$flannel_file" ]; then fail "$docker_file is the file that -f names: -d must name another one"; fi
[ -r "$flannel_file" ] || fail "cannot read $flannel_file: flanneld has no subnet yet (systemctl status flanneld)"
subnet='' mtu='' flannel_masquerades=''
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
        FLANNEL_SUBNET=*) subnet=${line#*=} ;;
        FLANNEL_MTU=*) mtu=${line#*=} ;;
        FLANNEL_IPMASQ=*) flannel_masquerades=${line#*=} ;;
    esac
done <"$flannel_file"
matches "$subnet" '[0-9]+(\.[0-9]+){3}/[0-9]+' || fail "$flannel_file has no FLANNEL_SUBNET such as 10.24.5.1/24"
matches "$mtu" '[0-9]+' || fail "$flannel_file has no FLANNEL_MTU"

# Either Docker or flannel masquerades, never both.
case $flannel_masquerades in
    true) ip_masq=--ip-masq=false ;;
    false) ip_masq=--ip-masq=true ;;
    *) fail "$flannel_file has no FLANNEL_IPMASQ that is true or false" ;;
esac

# Exported, so that they are listed below together with other DOCKER_OPT_… variables of the environment.
export DOCKER_OPT_BIP="--bip=$subnet" DOCKER_OPT_MTU="--mtu=$mtu" DOCKER_OPT_IPMASQ="${DOCKER_OPT_IPMASQ:-}$ip_masq"
[ $masquerade = true ] || unset DOCKER_OPT_IPMASQ
line_feed='
'
text=''
eval "all=\${$key:-}"
for name in $(env | sed -n 's/^\(DOCKER_OPT_[A-Za-z0-9_]*\)=.*/\1/p' | LC_ALL=C sort -u); do
    eval "value=\${$name-}"
    # shellcheck disable=SC2154 # set by eval
    if [ $single = true ]; then text="$text$name=\"$value\"$line_feed"; fi
    # shellcheck disable=SC2154 # set by eval
    all="$all $value"
done
if [ $combined = true ]; then text="$text$key=\"$all\"$line_feed"; fi

# A pipe, a device, or /dev/stdout.
case $docker_file in /dev/*) direct=true ;; *) direct=false ;; esac
if [ $direct = true ] || { [ -e "$docker_file" ] && [ ! -f "$docker_file" ]; }; then
    printf '%s' "$text" >"$docker_file" || fail "cannot write $docker_file"
    exit 0
fi

# The target of a link is replaced, and the link stays. Not with readlink -f: that of busybox looks in the wrong folder for the target
# of a link that does not exist yet.
target=$docker_file links=0
while [ -L "$target" ]; do
    links=$((links + 1))
    [ $links -le 40 ] || fail "$docker_file is a link that leads to itself"
    next=$(readlink "$target") || fail "cannot read the link $target"
    case $target in
        */*) folder=${target%/*}/ ;;
        *) folder='' ;;
    esac
    case $next in
        /*) target=$next ;;
        *) target=$folder$next ;;
    esac
done

# Replaced as a whole, and readable by Docker with any umask.
new=$(mktemp "$target.XXXXXX" 2>/dev/null) || fail "cannot write $docker_file"
trap 'rm -f "$new"' EXIT
{ printf '%s' "$text" >"$new" && chmod 644 "$new" && mv -f "$new" "$target"; } || fail "cannot write $docker_file"
