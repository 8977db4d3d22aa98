#!/usr/bin/env bash
# Builds, checks, tests and packages Flannel.Aot. ./build.sh help lists the verbs.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

# shellcheck source=eng/lib.sh
. eng/lib.sh
# shellcheck source=eng/hosts.sh
. eng/hosts.sh
# shellcheck source=eng/kubernetes.sh
. eng/kubernetes.sh
# shellcheck source=eng/lint.sh
. eng/lint.sh
# shellcheck source=eng/mutate.sh
. eng/mutate.sh
# shellcheck source=eng/native.sh
. eng/native.sh
# shellcheck source=eng/package.sh
. eng/package.sh
# shellcheck source=eng/results.sh
. eng/results.sh
# shellcheck source=eng/simulate.sh
. eng/simulate.sh
# shellcheck source=eng/test.sh
. eng/test.sh
# shellcheck source=eng/test_verbs.sh
. eng/test_verbs.sh

RID=${RID:-linux-x64}
CONFIGURATION=Release
EXECUTABLE=$ARTIFACTS/$RID/flanneld
PACKAGES=$ARTIFACTS/packages
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 MSBUILDTERMINALLOGGER=off

# A verb, its arguments (... for any number), the lists of Debian packages in eng/lib.sh that it needs, and what it does.
# The function verb_NAME implements it, with _ for each hyphen of the name.
VERBS='
demo          | [--keep] [--kubernetes] | RUN PUBLISH                     | three simulated instances with containers that ping each other
dashboard     | [FILE]                | RUN PUBLISH                       | draws docs/images/dashboard.svg from the data of such a cluster
test          | [FILTER]              | RUN PUBLISH LINT                  | build, lint, publish, all tests; or those of projects *FILTER*
build         |                       |                                   | the solution; warnings are errors
publish       |                       | PUBLISH                           | the static native executable, artifacts/linux-x64/flanneld
lint          |                       | LINT                              | formatting, line length, shellcheck, Markdown, spelling
fuzz          | [SECONDS]             |                                   | every decoder with random and damaged inputs for 600 seconds
simulate      | [HISTORIES [FIRST]]   |                                   | 1000 seeded histories of leases and of routes, from seed 1
mutate        | [PART [FILE]]         |                                   | the mutation score of the pure code: core, planning
bench         | [ARGUMENTS...]        | RUN PUBLISH BENCH                 | size, start-up, memory, calls, many nodes (bench --help)
package       | [ARCH...]             | PUBLISH PACKAGE                   | deb, rpm, image, symbols and SBOM in artifacts/packages
repo          |                       | REPOSITORY                        | an apt and a yum repository of them in artifacts/repository
test-etcd     |                       | RUN                               | the etcd tests with the other release of etcd, 3.4 or 3.5
test-hosts    |                       | RUN PUBLISH HOSTS                 | Docker 20.10 to 28.5, podman, containerd and CNI on real subnets
test-kubernetes |                     | RUN PUBLISH KUBERNETES            | the tests with a real kube-apiserver, compiled once in 3 minutes
test-order    | [SEED]                | RUN PUBLISH                       | all tests twice in random order while every core is busy
test-packages |                       | RUN PUBLISH PACKAGE PACKAGE_TESTS | make the packages, install and run them on test machines
test-verbs    | [SUITE [VERB...]]     | VERB_TESTS                        | every verb on a bare Debian 12 and 13 with only the .NET SDK
ci            |                       |                                   | test, then every slow verb
needs         | VERB                  |                                   | install the Debian packages that VERB needs
clean         |                       |                                   | remove artifacts/
help          |                       |                                   | this list
'
# What ci runs, in this order. Verbs that are joined by + run at the same time: the etcd tests mostly wait, and test-verbs works in a clone.
CI_VERBS=(test test-hosts test-packages test-verbs+test-etcd)

verb_help() {
    say "Usage: ./build.sh VERB [ARGUMENTS]"
    say
    awk -F' *[|] *' 'NF { printf "  %-34s %s\n", $1 " " $2, $4 }' <<<"$VERBS"
    cat <<'EOF'

When root runs a verb, missing Debian packages are installed. The test verbs leave logs and results in artifacts/VERB.

  CI=true                   a skipped test counts as failed
  FLANNEL_ARTIFACTS=FOLDER  used instead of artifacts/
  GPG_KEY=ID                repo signs the repositories
  TEST_SEED=N               test runs the tests in the order of this seed
  VERSION=X                 version of the packages, instead of the one from git
EOF
}

verb_needs() { # VERB
    [ $# -eq 1 ] || fail "usage: ./build.sh needs VERB"
    require_verb "$1"
    # shellcheck disable=SC2046 # words
    need_lists $(verb_lists "$1")
}

verb_clean() { step "Removing ${ARTIFACTS#"$PWD"/}" rm -rf "$ARTIFACTS"; }

# --- build -------------------------------------------------------------------------------------------------------------------------------

need_dotnet() {
    local sdk
    sdk=$(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' global.json)
    command -v dotnet >/dev/null || fail "no .NET SDK; install $sdk or newer: https://dotnet.microsoft.com/download/dotnet/10.0"
    dotnet --version >/dev/null 2>&1 ||
        fail "global.json requires .NET SDK $sdk or a newer 10.0; installed: $(dotnet --list-sdks | tr '\n' ' ')"
}

verb_build() {
    need_dotnet
    step "Building the solution" compile Flannel.Aot.sln
}

# Not dotnet build, which prints a summary even without warnings.
compile() { dotnet msbuild "$1" -restore -p:Configuration="$CONFIGURATION" -verbosity:quiet -nologo -maxCpuCount; }

# The executable of a project below tests/.
program_of() { printf '%s' "$ARTIFACTS/msbuild/bin/$1/${CONFIGURATION,,}/$1"; }

# --- demo, bench -------------------------------------------------------------------------------------------------------------------------

run_program() { # PROJECT ARGUMENTS...
    local project=$1
    shift
    need_dotnet
    # Without the executable: bench etcd-load and bench scale run parts of it in their own process.
    case ${1:-} in etcd-load | scale | --help) ;; *) verb_publish ;; esac
    step "Building $project" compile "tests/$project/$project.csproj"
    # exec: Ctrl-C and SIGTERM reach the program, and its exit code is that of this script.
    FLANNEL_TEST_EXECUTABLE=$EXECUTABLE exec "$(program_of "$project")" "$@"
}

verb_demo() {
    # With --kubernetes it needs a kube-apiserver, and the packages to compile one.
    if [[ " $* " == *" --kubernetes "* ]]; then
        need_lists KUBERNETES
        compile_kube_apiserver || return 1
    fi
    run_program Flannel.Demo "$@"
}
verb_dashboard() { run_program Flannel.Demo --dashboard "$(readlink -m "${1:-docs/images/dashboard.svg}")"; }
verb_bench() { run_program Flannel.Benchmarks "$@"; }

# --- the table of verbs ------------------------------------------------------------------------------------------------------------------

verb_names() { awk 'NF { print $1 }' <<<"$VERBS"; }
verb_column() { awk -F' *[|] *' -v verb="$1" -v column="$2" '$1 == verb { print $column }' <<<"$VERBS"; } # VERB COLUMN
verb_lists() { verb_column "$1" 3; }                                                                     # VERB
require_verb() { [ -n "$(verb_column "$1" 1)" ] || fail "no verb '$1'; ./build.sh help lists them"; }      # VERB

run_verb() { # VERB ARGUMENTS...
    local verb=$1 arguments lists
    shift
    require_verb "$verb"
    arguments=$(verb_column "$verb" 2)
    if [[ $arguments != *...* ]] && [ $# -gt "$(wc -w <<<"$arguments")" ]; then fail "usage: ./build.sh $verb${arguments:+ $arguments}"; fi
    lists=$(verb_lists "$verb")
    # Not every project needs publish and lint. publish installs what it needs.
    if [ "$verb" = test ] && [ $# -ne 0 ]; then lists=RUN; fi
    # shellcheck disable=SC2086 # words
    need_lists $lists
    "verb_${verb//-/_}" "$@"
}

case ${1:-help} in
    -h | --help) verb_help ;;
    *) run_verb "${@:-help}" ;;
esac
