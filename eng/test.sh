# shellcheck shell=bash
# ./build.sh test, test-etcd and test-order. Sourced by build.sh.

# Tests of the executable, and tests of the packages: the latter run only in test-packages. Of HOST_TESTS (eng/hosts.sh) test runs a few;
# test-hosts runs all.
EXECUTABLE_TESTS=Flannel.EndToEnd.Tests
PACKAGE_TESTS=Flannel.Packaging.Tests
# test starts these projects first, in this order. The etcd tests mostly wait and leave the processors to the native compiler.
FIRST_PROJECTS=(Flannel.Etcd.Tests "$EXECUTABLE_TESTS" Flannel.Simulation.Tests)
TEST_LIMIT_SECONDS=${TEST_LIMIT_SECONDS:-600}
# The seed of the order of the tests; the order is always the same without it.
TEST_SEED=${TEST_SEED:-}

verb_test() { # [FILTER]
    local filter=${1:-} start projects project
    start=$(milliseconds)
    mapfile -t projects < <(test_projects "$filter")
    [ "${#projects[@]}" -ne 0 ] || fail "no test project has '$filter' in its name"
    need_dotnet
    start_results test
    if check build verb_build; then
        if [ -z "$filter" ]; then check lint verb_lint || true; fi
        if starts_executable "${projects[@]}"; then fetch_roots; fi
        if has_kubernetes_tests "${projects[@]}"; then use_cached_kube_apiserver; fi
        if [[ " ${projects[*]} " == *" $HOST_TESTS "* ]]; then fetch_hosts "${QUICK_HOST_FOLDERS[@]}" || true; fi
        step "Running ${projects[*]}" run_projects "${projects[@]}"
        if [ -e "$RESULTS/publish.end" ]; then collect_publish; fi
        for project in "${projects[@]}"; do
            collect_project "$project"
        done
    fi
    summarize "$start"
}

# In the order in which they are started.
test_projects() { # [FILTER]
    local filter=${1:-} project
    for project in "${FIRST_PROJECTS[@]}" tests/*.Tests; do
        project=${project#tests/}
        if [ "$project" = "$PACKAGE_TESTS" ]; then continue; fi
        if [ -n "${TEST_SAMPLE:-}" ] && [ -z "$(sample_arguments "$project")" ]; then continue; fi
        if [[ ${project,,} == *"${filter,,}"* ]]; then printf '%s\n' "$project"; fi
    done | awk '!seen[$0]++'
}

starts_executable() { [[ " $* " == *" $EXECUTABLE_TESTS "* || " $* " == *" $HOST_TESTS "* ]]; } # PROJECT...

# TEST_SAMPLE selects test methods for test-verbs: words of the form PROJECT=METHOD. Prints the arguments that select them, one a line.
sample_arguments() { # PROJECT
    local entry
    for entry in ${TEST_SAMPLE:-}; do
        if [ "${entry%%=*}" = "$1" ]; then printf '%s\n' -method "${entry#*=}"; fi
    done
}

# --- running projects --------------------------------------------------------------------------------------------------------------------

# As many at a time as there are processors. publish runs beside them if a project starts the executable; that project waits for it and is
# left out if it fails.
run_projects() { # PROJECT...
    local NEXT ENDED WAITING=("$@") RUNNING=()
    if starts_executable "$@"; then
        run_publish &
        RUNNING+=("$!")
    fi
    while true; do
        while [ "${#RUNNING[@]}" -lt "$(nproc)" ] && take_next; do
            run_project "$NEXT" &
            RUNNING+=("$!")
        done
        [ "${#RUNNING[@]}" -ne 0 ] || break
        # Only these: wait -n without ids also returns for background jobs of other functions that have ended.
        wait -n -p ENDED "${RUNNING[@]}" || true
        remove_running "$ENDED"
    done
}

remove_running() { # PROCESS
    local process left=()
    for process in "${RUNNING[@]}"; do
        if [ "$process" != "$1" ]; then left+=("$process"); fi
    done
    RUNNING=("${left[@]}")
}

# Moves the first project of WAITING that can start to NEXT.
take_next() {
    local i
    for i in "${!WAITING[@]}"; do
        if starts_executable "${WAITING[i]}" && [ "$(head -n 1 "$RESULTS/publish.end" 2>/dev/null)" != 0 ]; then continue; fi
        NEXT=${WAITING[i]}
        unset 'WAITING[i]'
        return 0
    done
    return 1
}

# Leaves a log, a result file, and the exit code and the time in a file. Further arguments are the runner's.
run_project() { # PROJECT [ARGUMENT...]
    local project=$1 out=$RESULTS/$1 start status=0 arguments=()
    shift
    start=$(milliseconds)
    # The runner takes the seed as its first argument.
    if [ -n "$TEST_SEED" ]; then arguments=(":$TEST_SEED"); fi
    mapfile -t -O "${#arguments[@]}" arguments < <(sample_arguments "$project")
    # Tests of the executable mostly wait for leases, polls and restarts.
    if [ "$project" = "$EXECUTABLE_TESTS" ]; then arguments+=(-maxThreads 2x); fi
    if has_kubernetes_tests "$project"; then arguments+=("${KUBERNETES_ARGUMENTS[@]}"); fi
    if [ "$project" = "$HOST_TESTS" ]; then arguments+=("${HOST_ARGUMENTS[@]}"); fi
    FLANNEL_TEST_EXECUTABLE=$EXECUTABLE timeout --kill-after=15 "$TEST_LIMIT_SECONDS" \
        "$(program_of "$project")" "${arguments[@]}" "$@" -noColor -noLogo -result-ctrf "$out.json" >"$out.log" 2>&1 </dev/null || status=$?
    printf '%s\n' "$status" "$(seconds_since "$start")" >"$out.end"
}

run_publish() { # leaves what run_project leaves
    local start status=0
    start=$(milliseconds)
    verb_publish >"$RESULTS/publish.log" 2>&1 </dev/null || status=$?
    printf '%s\n' "$status" "$(seconds_since "$start")" >"$RESULTS/publish.end.part"
    mv "$RESULTS/publish.end.part" "$RESULTS/publish.end"
}

collect_project() { # PROJECT
    local project=$1 out=$RESULTS/$1 ending summary passed=0 failed=0 skipped=0
    if [ ! -e "$out.end" ]; then
        say "$project was not run"
        count "$project" 0 1 0 "-"
        return
    fi
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

collect_publish() {
    local ending
    mapfile -t ending <"$RESULTS/publish.end"
    cat "$RESULTS/publish.log"
    if [ "${ending[0]}" -eq 0 ]; then count publish 1 0 0 "${ending[1]}"; else count publish 0 1 0 "${ending[1]}"; fi
}

# Root file systems with other C libraries than the one in the executable, for DistributionTests: the releases of Debian that are available,
# unpacked below artifacts/.
fetch_roots() {
    local suite folder
    for suite in bullseye bookworm trixie; do
        folder=$ARTIFACTS/roots/$suite
        if [ -d "$folder" ]; then continue; fi
        step "Fetching the C library of $suite" fetch_packages "$suite" "$(machine_architecture)" "$folder" base-files libc6 libgcc-s1 \
            libcap2 libnss-myhostname libnss-mymachines libnss-resolve libnss-systemd || say "    $suite is not available: not tested"
    done
}

# --- test-etcd ---------------------------------------------------------------------------------------------------------------------------

# This machine has one of the two releases of etcd in use, and test uses it.
verb_test_etcd() {
    local project=Flannel.Etcd.Tests start
    start=$(milliseconds)
    need_dotnet
    start_results test-etcd
    fetch_other_etcd || fail "no other release of etcd is available here"
    step "Building $project" compile "tests/$project/$project.csproj"
    # Without the classes that start no etcd.
    FLANNEL_TEST_ETCD=$OTHER_ETCD step "Running $project with etcd $OTHER_LINE" \
        run_project "$project" -class- '*RequestRateTests' -class- '*TimeTests' -class- '*OptionsTests'
    collect_project "$project"
    summarize "$start"
}

# Takes the other etcd from the next or previous release of Debian. Sets OTHER_LINE and OTHER_ETCD, its version and executable.
fetch_other_etcd() {
    local version suite folder
    version=$(etcd --version | sed -n 's/^etcd Version: \([0-9]*\.[0-9]*\).*/\1/p')
    case $version in
        3.4) OTHER_LINE=3.5 suite=trixie ;;
        3.5) OTHER_LINE=3.4 suite=bookworm ;;
        *) say "==> etcd $version is installed; expected 3.4 or 3.5"; return 1 ;;
    esac
    folder=$ARTIFACTS/etcd-$OTHER_LINE
    OTHER_ETCD=$folder/usr/bin/etcd
    if [ ! -x "$OTHER_ETCD" ]; then
        rm -rf "$folder"
        step "Fetching etcd $OTHER_LINE" fetch_etcd "$suite" "$folder" || return 1
    fi
}

fetch_etcd() { # SUITE FOLDER
    fetch_packages "$1" "$(machine_architecture)" "$2" etcd-server etcd-client && "$2/usr/bin/etcd" --version >/dev/null
}

# --- test-order --------------------------------------------------------------------------------------------------------------------------

# A test that depends on another one, or on an idle machine, fails here. TEST_SEED=N ./build.sh test repeats the order.
verb_test_order() { # [SEED]
    local seed=${1:-$(($(date +%s) % 1000000))} start projects project
    [[ $seed =~ ^[0-9]{1,9}$ ]] || fail "usage: ./build.sh test-order [SEED]; SEED is a number of at most nine digits"
    start=$(milliseconds)
    mapfile -t projects < <(test_projects | grep -vx "$HOST_TESTS")
    need_dotnet
    start_results test-order
    if check build verb_build && check publish verb_publish; then
        fetch_roots
        use_cached_kube_apiserver
        # Half of the processors, at best.
        TEST_LIMIT_SECONDS=$((TEST_LIMIT_SECONDS * 3))
        start_load
        for TEST_SEED in "$seed" "$((seed + 1))"; do
            step "Running the tests in the order of seed $TEST_SEED, every core busy" run_projects "${projects[@]}"
            for project in "${projects[@]}"; do collect_project "$project"; done
            mkdir "$RESULTS/$TEST_SEED"
            mv "$RESULTS"/*.{log,json,end} "$RESULTS/$TEST_SEED"
            all_passed || break
        done
        stop_load
    fi
    summarize "$start"
}

# A busy loop for each core.
start_load() {
    local core
    LOAD=()
    trap stop_load EXIT
    for ((core = 0; core < $(nproc); core++)); do
        while :; do :; done &
        LOAD+=("$!")
        disown "$!"
    done
}

stop_load() {
    if [ "${#LOAD[@]}" -ne 0 ]; then kill "${LOAD[@]}" 2>/dev/null || true; fi
    LOAD=()
}
