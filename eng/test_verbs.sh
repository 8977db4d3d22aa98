# shellcheck shell=bash
# ./build.sh test-verbs: every verb on a fresh machine, so that no verb depends on a package that it does not install. Sourced by build.sh.
#
# A fresh machine is a root of Debian that has apt and the .NET SDK (eng/debian_root.sh bare), entered by eng/enter_root.sh. The releases
# are tried at the same time. The verbs of one release share a clone of HEAD with its artifacts/, so that little is compiled twice, and the
# restored NuGet packages; but each verb has a disk of its own. It starts from the disk of an earlier verb only if it would install all
# packages of that verb itself.
# Ubuntu is not among them: apt on a Debian machine has no source of it.

# The newest last. The tests of packages that take longest are tried on that one alone.
VERB_TEST_SUITES=(bookworm trixie)
# How much of a failed verb's log is shown.
SHOWN_LINES=60

# Of test and test-packages, which this machine runs in full, these methods: together they start every program that is installed for the
# tests. Not among them are lintian's errors: Debian 13's objects to units below /lib, where Debian 12's debhelper looks for them. The
# packages of a release are made on Debian 12.
SAMPLE_OF_TEST='Flannel.Etcd.Tests=*.TlsTests.Mutual_tls_* Flannel.HostNetwork.Tests=*.MasqueradeTests.Nft_takes_the_rules
    Flannel.EndToEnd.Tests=*.ExecutableTests.*
    Flannel.EndToEnd.Tests=*.EmptyRootTests.* Flannel.EndToEnd.Tests=*.VpcRouterTests.* Flannel.EndToEnd.Tests=*.EtcdTroubleTests.A_full_*'
SAMPLE_OF_TEST_PACKAGES='Flannel.Packaging.Tests=*.AptTests.Apt_believes_* Flannel.Packaging.Tests=*.CompletionShellTests.*
    Flannel.Packaging.Tests=*.DebFileTests.Every_reason_* Flannel.Packaging.Tests=*.RpmFileTests.* Flannel.Packaging.Tests=*.DnfTests.Dnf_refuses_*
    Flannel.Packaging.Tests=*.ImageTests.Skopeo_* Flannel.Packaging.Tests=*.ImageRunTests.The_published_line_*'
# A whole machine with systemd, and the executable of arm64.
SAMPLE_ON_NEWEST='Flannel.Packaging.Tests=*.DebTests.Install_* Flannel.Packaging.Tests=*.Arm64Tests.*'

is_newest() { [ "$1" = "${VERB_TEST_SUITES[-1]}" ]; } # SUITE

# Sets TRIAL to the command that tries the verb: its arguments are chosen so that it ends soon.
trial_of() { # SUITE VERB
    local run=./build.sh sample=$SAMPLE_OF_TEST_PACKAGES
    if is_newest "$1"; then sample+=" $SAMPLE_ON_NEWEST"; fi
    case $2 in
        help | build | lint | package | repo | demo) TRIAL=("$run" "$2") ;;
        # As in an image of a container: the compilers were installed before, and apt's lists of packages were removed.
        publish) TRIAL=(sh -c "$run needs publish && rm -rf /var/lib/apt/lists/* && exec $run publish") ;;
        needs) TRIAL=("$run" needs lint) ;;
        fuzz) TRIAL=("$run" fuzz 1) ;;
        simulate) TRIAL=("$run" simulate 2) ;;
        bench) TRIAL=("$run" bench --runs 1 --idle 1 --nodes 2) ;;
        test) TRIAL=(env TEST_SAMPLE="$SAMPLE_OF_TEST" "$run" test) ;;
        test-etcd) TRIAL=(env TEST_SAMPLE="$SAMPLE_OF_TEST" "$run" test-etcd) ;;
        test-packages) TRIAL=(env TEST_SAMPLE="$sample" "$run" test-packages) ;;
        # A fresh machine in the fresh machine.
        test-verbs) TRIAL=("$run" test-verbs trixie needs) ;;
        # It is the test verbs, one after another.
        ci) TRIAL=() ;;
        clean) TRIAL=(env FLANNEL_ARTIFACTS=/tmp/artifacts "$run" clean) ;;
        *) fail "eng/test_verbs.sh does not say how to try '$2'" ;;
    esac
}

test_verbs() { # [SUITE [VERB…]]
    local start suites=("${VERB_TEST_SUITES[@]}") verbs suite verb
    start=$(milliseconds)
    if [ $# -ne 0 ]; then
        [[ " ${suites[*]} " == *" $1 "* ]] || fail "test-verbs knows ${suites[*]}, not '$1'"
        suites=("$1")
        shift
    fi
    mapfile -t verbs < <(verb_names)
    if [ $# -ne 0 ]; then
        verbs=("$@")
        for verb in "$@"; do verb_row "$verb" >/dev/null || fail "no verb '$verb'; ./build.sh help lists them"; done
    fi
    [ "$(id -u)" -eq 0 ] || fail "test-verbs makes root file systems: run it as root"
    start_results test-verbs
    WORK=$RESULTS/work
    if [ -n "$(git status --porcelain)" ]; then say "==> Tried is HEAD, without the changes that are not committed"; fi
    say "==> Trying the verbs in ${suites[*]}"
    # shellcheck disable=SC2046 # words
    trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
    for suite in "${suites[@]}"; do
        try_verbs "$suite" "${verbs[@]}" &
    done
    wait
    for suite in "${suites[@]}"; do collect_verbs_of "$suite"; done
    rm -rf "$WORK"
    summarise "$start"
}

try_verbs() { # SUITE VERB…: in the background; leaves a line for each verb in RESULTS/SUITE/results
    local suite=$1 verb start outcome
    shift
    mkdir -p "$RESULTS/$suite" "$WORK/$suite"/{nuget,disks}
    start=$(milliseconds)
    if ! ROOT=$(eng/debian_root.sh bare "$suite") || ! git clone -q . "$WORK/$suite/clone"; then
        printf '%s\n' "root failed $(seconds_since "$start")" >>"$RESULTS/$suite/results"
        return
    fi
    say "    $suite: root ready, $(seconds_since "$start")"
    for verb in "$@"; do
        trial_of "$suite" "$verb"
        [ "${#TRIAL[@]}" -ne 0 ] || continue
        start=$(milliseconds) outcome=passed
        try_verb "$suite" "$verb" "${TRIAL[@]}" || outcome=failed
        say "    $suite $verb $outcome, $(seconds_since "$start")"
        printf '%s\n' "$verb $outcome $(seconds_since "$start")" >>"$RESULTS/$suite/results"
    done
}

try_verb() { # SUITE VERB COMMAND…: its output is in RESULTS/SUITE/VERB.log
    local suite=$1 verb=$2 lower disk archives=$ARTIFACTS/debian-root/archives-$1
    shift 2
    disk=$WORK/$suite/disks/$verb
    lower=$(lower_of "$suite" "$verb")
    mkdir -p "$archives/partial" "$disk"
    # A test that is skipped for want of a program is a failure. The analyzers take two thirds of a compile's time, and no package is
    # missing for them.
    eng/enter_root.sh --bind "$archives:/var/cache/apt/archives" --bind "$WORK/$suite/nuget:/root/.nuget/packages" \
        "$lower" "$disk" "$WORK/$suite/clone" \
        env CI=true RunAnalyzers=false "$@" >"$RESULTS/$suite/$verb.log" 2>&1 || return 1
    printf '%s\n' "$disk/upper:$lower" >"$disk/layers"
}

# The layers of the disk that a verb starts from: the one of the earlier verb with most of the lists that this verb has too, or the root.
lower_of() { # SUITE VERB
    local disk earlier found=0 lower=$ROOT lists
    lists=$(verb_lists "$2")
    for disk in "$WORK/$1/disks"/*; do
        [ -e "$disk/layers" ] || continue
        earlier=$(verb_lists "${disk##*/}")
        # shellcheck disable=SC2086 # words
        if [ "$(wc -w <<<"$earlier")" -gt "$found" ] && contains_all "$lists" $earlier; then
            found=$(wc -w <<<"$earlier")
            lower=$(cat "$disk/layers")
        fi
    done
    printf '%s\n' "$lower"
}

contains_all() { # LIST WORD…
    local list=$1 word
    shift
    for word in "$@"; do [[ " $list " == *" $word "* ]] || return 1; done
}

collect_verbs_of() { # SUITE
    local suite=$1 verb outcome time log
    while read -r verb outcome time; do
        if [ "$outcome" = passed ]; then count "$suite $verb" 1 0 0 "$time"; continue; fi
        count "$suite $verb" 0 1 0 "$time"
        log=$RESULTS/$suite/$verb.log
        say "==> $suite $verb failed; the end of ${log#"$PWD"/}:"
        tail -n "$SHOWN_LINES" "$log" || true
    done <"$RESULTS/$suite/results"
}
