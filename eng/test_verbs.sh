# shellcheck shell=bash
# ./build.sh test-verbs: every verb on a bare machine, to find Debian packages that a verb uses and does not install. Sourced by build.sh.
#
# A bare machine is a root file system of Debian with apt and the .NET SDK (eng/debian_root.sh bare), entered by eng/enter_root.sh. The
# releases of Debian are tested at the same time. The verbs of a release share a clone of HEAD with its artifacts/ and the restored NuGet
# packages, to compile little twice. Each verb has its own disk. The disk starts as that of an earlier verb only if the verb itself needs
# all packages of that verb.
# Ubuntu is not tested: apt on Debian has no source of it.

VERB_TEST_SUITES=(bookworm trixie)
# A release proves that its packages have what a verb uses. Every list of packages (NEEDS_*) is installed on each release by some verb, so
# that one release is enough for these verbs: they need no package, or their lists are those of a verb that runs on both (demo, lint and
# test-order: test). test-hosts runs the same programs on both. Nested, test-verbs creates a root file system, as test-packages does on the
# other release. test-kubernetes compiles packages of Debian 12 on the later release.
declare -A VERB_TEST_SUITE_OF=(
    [clean]=bookworm [help]=bookworm [lint]=bookworm [needs]=bookworm [test-hosts]=bookworm [test-verbs]=bookworm
    [build]=trixie [demo]=trixie [fuzz]=trixie [mutate]=trixie [simulate]=trixie [test-kubernetes]=trixie [test-order]=trixie)
# Shown of the log of a verb that failed.
SHOWN_LINES=60

# The test methods for test and test-packages: together they start every program that is installed for the tests. They do not include
# lintian, because its version in Debian 13 rejects units below /lib, where debhelper of Debian 12 expects them. Packages of a release are
# made on Debian 12.
SAMPLE_OF_TEST='Flannel.Etcd.Tests=*.TlsTests.Mutual_TLS_*
    Flannel.HostNetwork.Tests=*.FirewallPacketTests.Two_networks_*
    Flannel.EndToEnd.Tests=*.ExecutableTests.*
    Flannel.EndToEnd.Tests=*.EmptyRootTests.*
    Flannel.EndToEnd.Tests=*.VpcRouterTests.*
    Flannel.EndToEnd.Tests=*.EtcdFailureTests.Without_space_*
    Flannel.EndToEnd.Tests=*.MetricsTests.Promtool_*'
# The programs that need most libraries.
SAMPLE_OF_TEST_HOSTS='Flannel.Hosts.Tests=*.Docker20Tests.Without_the_rules_Docker_*
    Flannel.Hosts.Tests=*.PodmanTests.*'
# A test that starts kube-apiserver.
SAMPLE_OF_TEST_KUBERNETES='Flannel.EndToEnd.Tests=*.KubeApiServerTests.A_node_*'
SAMPLE_OF_TEST_PACKAGES='Flannel.Packaging.Tests=*.AptTests.Apt_accepts_*
    Flannel.Packaging.Tests=*.CompletionShellTests.*
    Flannel.Packaging.Tests=*.DebFileTests.Every_lintian_*
    Flannel.Packaging.Tests=*.RpmFileTests.*
    Flannel.Packaging.Tests=*.DnfTests.Dnf_refuses_*
    Flannel.Packaging.Tests=*.ImageTests.Skopeo_*
    Flannel.Packaging.Tests=*.ImageRunTests.The_published_command_*'
# The executable of arm64, where package makes it. A machine with systemd.
SAMPLE_ON_BOOKWORM='Flannel.Packaging.Tests=*.Arm64Tests.*'
SAMPLE_ON_TRIXIE='Flannel.Packaging.Tests=*.DebTests.Installed_*'

# Sets TRIAL to a command that runs the verb and ends soon; empty for a verb that is not tried.
trial_of() { # SUITE VERB
    local run=./build.sh sample=$SAMPLE_OF_TEST_PACKAGES architectures=()
    case $1 in
        bookworm) sample+=" $SAMPLE_ON_BOOKWORM" ;;
        # Packages of a release are made on Debian 12: there both architectures, here the own one.
        trixie) sample+=" $SAMPLE_ON_TRIXIE" architectures=("$(machine_architecture)") ;;
    esac
    case $2 in
        help | build | lint | repo | demo) TRIAL=("$run" "$2") ;;
        package) TRIAL=("$run" package "${architectures[@]}") ;;
        # As in a container image: the compilers are installed, and the package lists of apt are removed.
        publish) TRIAL=(sh -c "$run needs publish && rm -rf /var/lib/apt/lists/* && exec $run publish") ;;
        needs) TRIAL=("$run" needs test-etcd) ;;
        fuzz) TRIAL=("$run" fuzz 1) ;;
        mutate) TRIAL=("$run" mutate core Result.cs) ;;
        simulate) TRIAL=("$run" simulate 2) ;;
        bench) TRIAL=(sh -c "$run bench --runs 1 --idle 1 --nodes 2 && exec $run bench scale --nodes 100") ;;
        test | test-etcd | test-order) TRIAL=(env TEST_SAMPLE="$SAMPLE_OF_TEST" "$run" "$2") ;;
        test-hosts) TRIAL=(env TEST_SAMPLE="$SAMPLE_OF_TEST_HOSTS" "$run" test-hosts) ;;
        test-kubernetes) TRIAL=(env TEST_SAMPLE="$SAMPLE_OF_TEST_KUBERNETES" "$run" test-kubernetes) ;;
        test-packages) TRIAL=(env TEST_SAMPLE="$sample" "$run" test-packages) ;;
        # A bare machine in the bare machine.
        test-verbs) TRIAL=("$run" test-verbs trixie needs) ;;
        # ci is the test verbs, one after another. dashboard takes two minutes, and starts what demo and test start.
        ci | dashboard) TRIAL=() ;;
        clean) TRIAL=(env FLANNEL_ARTIFACTS=/tmp/artifacts "$run" clean) ;;
        *) fail "eng/test_verbs.sh has no command that tries '$2'" ;;
    esac
}

verb_test_verbs() { # [SUITE [VERB...]]
    local start suites=("${VERB_TEST_SUITES[@]}") verbs suite verb all=true
    start=$(milliseconds)
    if [ $# -ne 0 ]; then
        [[ " ${suites[*]} " == *" $1 "* ]] || fail "unknown suite '$1'; use ${suites[*]}"
        suites=("$1")
        shift
    fi
    mapfile -t verbs < <(verb_names)
    if [ $# -ne 0 ]; then
        # Verbs that are named run on each suite.
        VERB_TEST_SUITE_OF=() all=false
        verbs=("$@")
        for verb in "$@"; do require_verb "$verb"; done
    fi
    [ "$(id -u)" -eq 0 ] || fail "test-verbs creates root file systems; run it as root"
    start_results test-verbs
    WORK=$RESULTS/work
    if [ -n "$(git status --porcelain)" ]; then say "==> Testing HEAD, without the changes that are not committed"; fi
    say "==> Running the verbs in ${suites[*]}"
    # shellcheck disable=SC2046 # words
    trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
    for suite in "${suites[@]}"; do
        try_verbs "$suite" "${verbs[@]}" &
    done
    wait
    for suite in "${suites[@]}"; do collect_verbs_of "$suite"; done
    if $all; then check_same_bytes; fi
    rm -rf "$WORK"
    summarize "$start"
}

# Equal sources make equal bytes: the executable that a bare machine of this machine's release has compiled is compared with ours.
check_same_bytes() {
    if [ -n "$(git status --porcelain)" ]; then
        say "==> The executables are not compared: there are changes that are not committed"
        count "same bytes" 0 0 1 -
    else
        check "same bytes" same_bytes "$WORK/$(release_codename)/clone/artifacts/$RID/flanneld" || true
    fi
}

same_bytes() { # EXECUTABLE
    verb_publish || return 1
    if cmp -s "$EXECUTABLE" "$1"; then return; fi
    say "    the bare machine's differs or is missing: its libraries or compilers may have other versions"
    same_bytes_elsewhere
}

# Leaves a line for each verb in RESULTS/SUITE/results.
try_verbs() { # SUITE VERB...
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
        if [ "${#TRIAL[@]}" -eq 0 ] || [ "${VERB_TEST_SUITE_OF[$verb]:-$suite}" != "$suite" ]; then continue; fi
        start=$(milliseconds) outcome=passed
        try_verb "$suite" "$verb" "${TRIAL[@]}" || outcome=failed
        say "    $suite $verb $outcome, $(seconds_since "$start")"
        printf '%s\n' "$verb $outcome $(seconds_since "$start")" >>"$RESULTS/$suite/results"
    done
}

# Leaves the output in RESULTS/SUITE/VERB.log.
try_verb() { # SUITE VERB COMMAND...
    local suite=$1 verb=$2 lower disk archives=$ARTIFACTS/debian-root/archives-$1
    shift 2
    disk=$WORK/$suite/disks/$verb
    lower=$(lower_of "$suite" "$verb")
    mkdir -p "$archives/partial" "$disk"
    # CI=true: a test that is skipped because a program is missing is a failure. The analyzers need no Debian package and take two thirds
    # of the time of a build.
    eng/enter_root.sh --bind "$archives:/var/cache/apt/archives" --bind "$WORK/$suite/nuget:/root/.nuget/packages" \
        "$lower" "$disk" "$WORK/$suite/clone" \
        env CI=true RunAnalyzers=false "$@" >"$RESULTS/$suite/$verb.log" 2>&1 || return 1
    printf '%s\n' "$disk/upper:$lower" >"$disk/layers"
}

# The layers that the disk of a verb starts from: those of the earlier verb with the most lists of which this verb needs all, or the root.
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

contains_all() { # LIST WORD...
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
