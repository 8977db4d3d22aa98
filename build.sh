#!/usr/bin/env bash
# The one list of verbs. Everything a newcomer or a machine does with this repository starts here.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

# shellcheck source=eng/lib.sh
. eng/lib.sh
# shellcheck source=eng/lint.sh
. eng/lint.sh
# shellcheck source=eng/native.sh
. eng/native.sh
# shellcheck source=eng/simulate.sh
. eng/simulate.sh
# shellcheck source=eng/test_verbs.sh
. eng/test_verbs.sh

RID=${RID:-linux-x64}
CONFIGURATION=Release
EXECUTABLE=$ARTIFACTS/$RID/flanneld
PACKAGES=$ARTIFACTS/packages
TEST_LIMIT_SECONDS=${TEST_LIMIT_SECONDS:-600}
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 MSBUILDTERMINALLOGGER=off

# The verbs: the most arguments that each takes (* for any number), the function that does it, and the lists of eng/lib.sh that it needs.
VERBS='
help            0  help
build           0  build
lint            0  lint           LINT
publish         0  publish        PUBLISH
package         *  package        PUBLISH PACKAGE
repo            0  repo           REPOSITORY
demo            *  run_demo       RUN PUBLISH
bench           *  run_bench      RUN PUBLISH
fuzz            1  fuzz
simulate        2  run_simulations
test-packages   0  test_packages  RUN PUBLISH PACKAGE PACKAGE_TESTS
test            1  run_test_verb  RUN PUBLISH LINT
test-etcd       0  test_etcd      RUN
test-verbs      *  test_verbs     VERB_TESTS
ci              0  run_ci
needs           1  needs
clean           0  clean
'
# What the continuous integration runs, one after another.
CI_VERBS=(test test-etcd test-packages test-verbs)
# In the order in which test starts them; the others follow. The first mostly waits, so it leaves the processors to the native compiler.
FIRST_PROJECTS=(Flannel.Etcd.Tests Flannel.EndToEnd.Tests Flannel.Simulation.Tests)

help() {
    cat <<'EOF'
Usage: ./build.sh VERB [ARGUMENTS]

  demo [--keep]    the whole product on this machine, no cloud account: three simulated ECS instances, a real etcd, the native
                   flanneld on each, containers that ping each other; --keep leaves it running to look around
  test [FILTER]    build, lint, publish and every test but those of the verbs test-…; FILTER (part of a project's name) runs
                   only some projects
  build            the solution, warnings are errors
  publish          the native executable, fully static: artifacts/linux-x64/flanneld
  lint             formatting and line length of the code, shellcheck of the scripts, Markdown, spelling and vocabulary
  fuzz [SECONDS]   every decoder of foreign bytes with random and damaged inputs, together for that long (600); docs/fuzzing.md
  simulate [HISTORIES [FIRST]]
                   so many seeded histories (1000) of leases, and of routes, from seed FIRST (1) on; docs/simulation.md
  bench [ARGS]     what the issue calls "Measured": size, start, memory, calls, many nodes at once (bench --help);
                   bench crowd: what 1,000 nodes that start in the same second cost one etcd
  package [ARCH…]  deb, rpm, container image, symbols and SBOM of amd64 and arm64, or of the ARCH named, in artifacts/packages; the version is
                   the git tag's, or VERSION
  repo             an apt and a yum repository of those packages in artifacts/repository; signed with GPG_KEY, when that names one
  test-etcd        Flannel.Etcd.Tests against the other release of etcd that is in the field: 3.4 or 3.5
  test-packages    makes the packages and installs them: Debian under real systemd, dnf, podman, cloud-init (tests/Flannel.Packaging.Tests)
  test-verbs [SUITE [VERB…]]
                   every verb in a bare Debian 12 (bookworm) and 13 (trixie) that has only the .NET SDK: finds a package that a
                   verb needs and does not install; as root, from the commit that is checked out
  ci               what the continuous integration runs: test, then every verb test-…; under 45 minutes
  needs VERB       installs the packages that VERB needs, and does nothing else
  clean            remove everything that was built
  help             this list

Debian and Ubuntu packages that a verb needs are installed when they are missing and you are root.
CI=true makes a skipped test a failure. Logs and results of a test verb are in artifacts/VERB.
EOF
}

# --- what the machine must have ------------------------------------------------------------------------------------------------

need_dotnet() {
    command -v dotnet >/dev/null || fail "the .NET SDK $(sdk_version) or newer is needed: https://dotnet.microsoft.com/download/dotnet/10.0"
    dotnet --version >/dev/null 2>&1 || fail "global.json asks for the .NET SDK $(sdk_version) or newer 10.0; installed: $(dotnet --list-sdks | tr '\n' ' ')"
}

needs() { # VERB
    [ $# -eq 1 ] || fail "needs takes the name of a verb"
    verb_row "$1" >/dev/null || fail "no verb '$1'; ./build.sh help lists them"
    # shellcheck disable=SC2046 # words
    need_lists $(verb_lists "$1")
}

sdk_version() { sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' global.json; }

# --- build, clean -----------------------------------------------------------------------------------------------

build() {
    need_dotnet
    step "Building the solution" compile Flannel.Aot.sln
}

# dotnet build would add a summary that says nothing.
compile() { dotnet msbuild "$1" -restore -p:Configuration="$CONFIGURATION" -verbosity:quiet -nologo -maxCpuCount; }

clean() {
    step "Removing what was built" rm -rf "$ARTIFACTS"
}

# --- test ----------------------------------------------------------------------------------------------------------------------

PASSED=0 FAILED=0 SKIPPED=0

start_results() { # VERB: a new folder for its logs and results
    RESULTS=$ARTIFACTS/$1
    rm -rf "$RESULTS"
    mkdir -p "$RESULTS"
}

count() { # NAME PASSED FAILED SKIPPED TIME
    PASSED=$((PASSED + $2)) FAILED=$((FAILED + $3)) SKIPPED=$((SKIPPED + $4))
    printf '%-24s %5d passed %5d failed %5d skipped   %s\n' "$1" "$2" "$3" "$4" "$5" >>"$RESULTS/summary"
}

# A step that counts as one test.
check() { # NAME COMMAND…
    local name=$1 start
    shift
    start=$(milliseconds)
    if "$@"; then count "$name" 1 0 0 "$(seconds_since "$start")"; else
        count "$name" 0 1 0 "$(seconds_since "$start")"
        return 1
    fi
}

# Debian's next or previous release has the other etcd, which is unpacked below artifacts/. Sets OTHER_LINE and OTHER_ETCD, the executable.
find_other_etcd() {
    local version suite folder
    version=$(etcd --version | sed -n 's/^etcd Version: \([0-9]*\.[0-9]*\).*/\1/p')
    case $version in
        3.4) OTHER_LINE=3.5 suite=trixie ;;
        3.5) OTHER_LINE=3.4 suite=bookworm ;;
        *) say "==> etcd $version here: neither 3.4 nor 3.5"; return 1 ;;
    esac
    folder=$ARTIFACTS/etcd-$OTHER_LINE
    OTHER_ETCD=$folder/usr/bin/etcd
    if [ ! -x "$OTHER_ETCD" ]; then
        rm -rf "$folder"
        step "Fetching etcd $OTHER_LINE" fetch_etcd "$suite" "$folder" || return 1
    fi
}

# Roots with other C libraries than the one that is linked in, for DistributionTests: what can be had of Debian's releases, unpacked below artifacts/.
find_roots() {
    local suite folder
    for suite in bullseye bookworm trixie; do
        folder=$ARTIFACTS/roots/$suite
        if [ -d "$folder" ]; then continue; fi
        step "Fetching the C library of $suite" fetch_packages "$suite" "$(machine_architecture)" "$folder" base-files libc6 libgcc-s1 libcap2 \
            libnss-myhostname libnss-mymachines libnss-resolve libnss-systemd || say "    $suite cannot be had here: not tested in it"
    done
}

fetch_etcd() { # SUITE FOLDER
    fetch_packages "$1" "$(machine_architecture)" "$2" etcd-server etcd-client && "$2/usr/bin/etcd" --version >/dev/null
}

run_tests_of() { # PROJECT[@ETCD]: in the background; leaves a log, a result file, the exit code and the time
    local entry=$1 project=${1%%@*} start status=0 arguments=()
    local out=$RESULTS/$entry
    start=$(milliseconds)
    if [ "$entry" != "$project" ]; then
        export FLANNEL_TEST_ETCD=$OTHER_ETCD
        # What no etcd has a part in.
        arguments=(-class- '*QuietTests' -class- '*TimeTests' -class- '*OptionsTests')
    fi
    mapfile -t -O "${#arguments[@]}" arguments < <(sample_arguments "$project")
    # End-to-end tests mostly wait: for leases, polls and restarts.
    if [ "$project" = Flannel.EndToEnd.Tests ]; then arguments+=(-maxThreads 2x); fi
    FLANNEL_TEST_EXECUTABLE=$EXECUTABLE timeout --kill-after=15 "$TEST_LIMIT_SECONDS" \
        "$ARTIFACTS/msbuild/bin/$project/${CONFIGURATION,,}/$project" -noColor -noLogo "${arguments[@]}" -result-ctrf "$out.json" >"$out.log" 2>&1 </dev/null || status=$?
    printf '%s\n' "$status" "$(seconds_since "$start")" >"$out.end"
}

collect_tests_of() { # PROJECT
    local project=$1 out=$RESULTS/$1 ending summary passed=0 failed=0 skipped=0
    mapfile -t ending <"$out.end"
    summary=$(grep -aoE -m1 '"summary":\{"tests":[^}]*' "$out.json" 2>/dev/null | head -n1 || true)
    passed=$(number_in "$summary" passed) failed=$(number_in "$summary" failed) skipped=$(number_in "$summary" skipped)
    if [ "${ending[0]}" -ne 0 ] && [ "$failed" -eq 0 ]; then
        failed=1
        case ${ending[0]} in
            124 | 137) say "$project did not end within $TEST_LIMIT_SECONDS s" ;;
            *) say "$project ended with exit code ${ending[0]} and no failed test" ;;
        esac
    elif [ $((passed + failed + skipped)) -eq 0 ]; then
        failed=1
        say "$project ran no test"
    fi
    count "$project" "$passed" "$failed" "$skipped" "${ending[1]}"
    if [ "$failed" -ne 0 ]; then cat "$out.log"; elif [ "$skipped" -ne 0 ]; then grep -a -A1 '\[SKIP\]' "$out.log" || true; fi
}

number_in() { [[ $1 =~ \"$2\":([0-9]+) ]] && echo "${BASH_REMATCH[1]}" || echo 0; }

# Beside publish when one of them starts the executable: it waits for it, and is not run without it.
run_all_tests() { # PROJECT…: as many at a time as there are processors
    local running=0 NEXT WAITING=("$@")
    if [[ " $* " == *" Flannel.EndToEnd.Tests "* ]]; then
        run_publish &
        running=1
    fi
    while true; do
        while [ "$running" -lt "$(nproc)" ] && take_next; do
            run_tests_of "$NEXT" &
            running=$((running + 1))
        done
        [ "$running" -ne 0 ] || break
        wait -n || true
        running=$((running - 1))
    done
}

run_publish() { # leaves what run_tests_of leaves
    local start status=0
    start=$(milliseconds)
    publish >"$RESULTS/publish.log" 2>&1 </dev/null || status=$?
    printf '%s\n' "$status" "$(seconds_since "$start")" >"$RESULTS/publish.end.part"
    mv "$RESULTS/publish.end.part" "$RESULTS/publish.end"
}

# Sets NEXT to the first of WAITING that can be run now, and takes it from there.
take_next() {
    local i
    for i in "${!WAITING[@]}"; do
        if [ "${WAITING[i]}" = Flannel.EndToEnd.Tests ] && [ "$(head -n 1 "$RESULTS/publish.end" 2>/dev/null)" != 0 ]; then continue; fi
        NEXT=${WAITING[i]}
        unset 'WAITING[i]'
        return 0
    done
    return 1
}

collect_publish() {
    local ending
    mapfile -t ending <"$RESULTS/publish.end"
    cat "$RESULTS/publish.log"
    if [ "${ending[0]}" -eq 0 ]; then count publish 1 0 0 "${ending[1]}"; else count publish 0 1 0 "${ending[1]}"; fi
}

# TEST_SAMPLE has the test methods that test-verbs runs, as PROJECT=METHOD with a space between two; otherwise all are run.
sample_arguments() { # PROJECT: the arguments that select its methods, one a line
    local entry
    for entry in ${TEST_SAMPLE:-}; do
        if [ "${entry%%=*}" = "$1" ]; then printf '%s\n' -method "${entry#*=}"; fi
    done
}

test_projects() { # FILTER: in the order in which they are started
    local filter=${1:-} project
    for project in "${FIRST_PROJECTS[@]}" tests/*.Tests; do
        project=${project#tests/}
        if [ -n "${TEST_SAMPLE:-}" ] && [ -z "$(sample_arguments "$project")" ]; then continue; fi
        if [[ ${project,,} == *"${filter,,}"* ]]; then printf '%s\n' "$project"; fi
    done | awk '!seen[$0]++'
}

run_test_verb() {
    local filter=${1:-} start projects project
    start=$(milliseconds)
    mapfile -t projects < <(test_projects "$filter")
    [ "${#projects[@]}" -ne 0 ] || fail "no project under tests/ is named *$filter*.Tests"
    need_dotnet
    start_results test
    if check build build; then
        if [ -z "$filter" ]; then check lint lint || true; fi
        if [[ " ${projects[*]} " == *" Flannel.EndToEnd.Tests "* ]]; then find_roots; fi
        step "Running ${projects[*]}" run_all_tests "${projects[@]}"
        if [ -e "$RESULTS/publish.end" ]; then collect_publish; fi
        for project in "${projects[@]}"; do
            if [ -e "$RESULTS/$project.end" ]; then collect_tests_of "$project"; fi
        done
    fi
    summarise "$start"
}

# Both releases of etcd that are in the field: this machine has one, and test uses it.
test_etcd() {
    local project=Flannel.Etcd.Tests start
    start=$(milliseconds)
    need_dotnet
    start_results test-etcd
    find_other_etcd || fail "another release of etcd than this machine's cannot be had here"
    step "Building $project" compile "tests/$project/$project.csproj"
    step "Running $project@$OTHER_LINE" run_tests_of "$project@$OTHER_LINE"
    collect_tests_of "$project@$OTHER_LINE"
    summarise "$start"
}

summarise() { # STARTED: the last lines of a run of tests; its result is the exit code
    say "==> Summary after $(seconds_since "$1") (logs and results: ${RESULTS#"$PWD"/})"
    cat "$RESULTS/summary"
    say "$(summary_line)"
    [ "$FAILED" -eq 0 ] && [ "$PASSED" -ne 0 ] && { [ "$SKIPPED" -eq 0 ] || [ "${CI:-}" != true ]; }
}

summary_line() {
    printf '%d passed, %d failed' "$PASSED" "$FAILED"
    if [ "$SKIPPED" -ne 0 ]; then printf ', %d skipped' "$SKIPPED"; fi
}

# --- package, repo, test-packages ----------------------------------------------------------------------------------------------

# Debian's names. The executable of another architecture than this machine's is made by cross-compiling.
ARCHITECTURES=(amd64 arm64)

package() { # [ARCH…]
    local architecture start
    start=$(milliseconds)
    [ $# -ne 0 ] || set -- "${ARCHITECTURES[@]}"
    for architecture in "$@"; do rid_of "$architecture" >/dev/null; done
    rm -rf "$PACKAGES"
    mkdir -p "$PACKAGES"
    for architecture in "$@"; do
        RID=$(rid_of "$architecture") ./build.sh publish || return 1
        step "deb ($architecture)" deb/build.sh "$architecture" || return 1
        step "rpm ($architecture)" rpm/build.sh "$architecture" || return 1
        step "SBOM ($architecture)" packaging/sbom/build.sh "$architecture" || return 1
    done
    step "Container image ($*)" packaging/container/build.sh "$@" || return 1
    say "==> Made after $(seconds_since "$start"): artifacts/packages"
    (cd "$PACKAGES" && find . -type f -printf '    %-60P %9s bytes\n' | LC_ALL=C sort)
}

repo() { packaging/repository/build.sh; }

# The executable, compiled in a clone elsewhere from packages elsewhere: the same bytes?
same_bytes_elsewhere() {
    local folder
    folder=$(mktemp -d)
    # shellcheck disable=SC2064 # this folder, whatever comes
    trap "rm -rf '$folder'" RETURN
    git clone -q . "$folder/clone" && mkdir "$folder/clone/artifacts" && ln -s "${NUGET_PACKAGES:-$HOME/.nuget/packages}" "$folder/packages" || return 1
    if [ -n "$(git status --porcelain -- src eng '*.props' '*.targets' nuget.config)" ]; then say "    what is compiled is not committed: not compared"; return 1; fi
    # The same libraries: Debian may have newer ones by now.
    cp -a "$ARTIFACTS/sysroot-$RID" "$folder/clone/artifacts/" 2>/dev/null || true
    NUGET_PACKAGES=$folder/packages step "Compiling in another folder" "$folder/clone/build.sh" publish && cmp "$EXECUTABLE" "$folder/clone/artifacts/$RID/flanneld"
}

test_packages() { # all of it, packages made anew
    local start
    start=$(milliseconds)
    need_dotnet
    start_results test-packages
    if [ -z "${TEST_SAMPLE:-}" ]; then
        check package package || true
        check "same bytes" same_bytes_elsewhere || true
    fi
    step "Building Flannel.Packaging.Tests" compile tests/Flannel.Packaging.Tests/Flannel.Packaging.Tests.csproj
    TEST_LIMIT_SECONDS=1800
    step "Running Flannel.Packaging.Tests" run_tests_of Flannel.Packaging.Tests
    collect_tests_of Flannel.Packaging.Tests
    summarise "$start"
}

# --- demo, bench ---------------------------------------------------------------------------------------------------------------

run_program() { # PROJECT ARGUMENTS…
    local project=$1
    shift
    need_dotnet
    # The crowd is made of the daemon's parts, not of daemons.
    if [ "${1:-}" != crowd ]; then publish; fi
    step "Building $project" compile "tests/$project/$project.csproj"
    # exec: Ctrl-C and SIGTERM reach the program itself, and its exit code is ours.
    FLANNEL_TEST_EXECUTABLE=$EXECUTABLE exec "$ARTIFACTS/msbuild/bin/$project/${CONFIGURATION,,}/$project" "$@"
}

run_demo() { run_program Flannel.Demo "$@"; }
run_bench() { run_program Flannel.Benchmarks "$@"; }

# --- fuzz ----------------------------------------------------------------------------------------------------------------------

fuzz() {
    local seconds=${1:-600} project=Flannel.Simulation.Tests
    [[ $seconds =~ ^[0-9]+$ ]] || fail "fuzz takes a number of seconds, not '$seconds'"
    need_dotnet
    step "Building $project" compile "tests/$project/$project.csproj"
    FLANNEL_FUZZ_SECONDS=$seconds FLANNEL_FUZZ_SEED=${FLANNEL_FUZZ_SEED:-$(date +%s)} \
        exec "$ARTIFACTS/msbuild/bin/$project/${CONFIGURATION,,}/$project" -noColor -noLogo -showLiveOutput -class "*.FuzzTests"
}

# --- ci ------------------------------------------------------------------------------------------------------------------------

# All of them, also after one that failed. Each one's last line says how many tests passed and failed; the sum is our last line.
run_ci() {
    local verb log=$ARTIFACTS/ci.log status
    mkdir -p "$ARTIFACTS"
    for verb in "${CI_VERBS[@]}"; do
        say "==> ./build.sh $verb"
        status=0
        ./build.sh "$verb" 2>&1 | tee "$log" || status=$?
        add_summary_of "$verb" "$status" "$(tail -n 1 "$log")"
    done
    say "$(summary_line)"
    [ "$FAILED" -eq 0 ] && [ "$PASSED" -ne 0 ]
}

add_summary_of() { # VERB STATUS LINE
    local failed=1
    if [[ $3 =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        failed=${BASH_REMATCH[2]}
        PASSED=$((PASSED + BASH_REMATCH[1])) SKIPPED=$((SKIPPED + ${BASH_REMATCH[4]:-0}))
        # A skipped test is a failure with CI=true.
        if [ "$2" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
    fi
    if [ "$failed" -ne 0 ]; then say "==> ./build.sh $1 failed: exit code $2"; fi
    FAILED=$((FAILED + failed))
}

# --- verbs ---------------------------------------------------------------------------------------------------------------------

verb_names() { awk 'NF { print $1 }' <<<"$VERBS"; }

verb_row() { # VERB: its row, or failure
    awk -v verb="$1" '$1 == verb { print; found = 1 } END { exit !found }' <<<"$VERBS"
}

# The lists of what a verb needs.
verb_lists() { verb_row "$1" | awk '{ $1 = $2 = $3 = ""; print }'; }

run_verb() { # VERB ARGUMENTS…
    local verb=$1 row most function lists
    shift
    row=$(verb_row "$verb") || fail "no verb '$verb'; ./build.sh help lists them"
    read -r _ most function lists <<<"$row"
    [ "$most" = '*' ] || [ $# -le "$most" ] || fail "$verb takes $(at_most "$most")"
    # Some of the tests need less: what compiles natively installs its compiler itself.
    if [ "$verb" = test ] && [ $# -ne 0 ]; then lists=RUN; fi
    # shellcheck disable=SC2086 # words
    need_lists $lists
    "$function" "$@"
}

at_most() { case $1 in 0) echo "no argument" ;; *) echo "one argument" ;; esac; }

case ${1:-help} in
    -h | --help) help ;;
    *) run_verb "${@:-help}" ;;
esac
