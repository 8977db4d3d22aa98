# shellcheck shell=bash
# Counts tests and prints the summary of a verb. Sourced by build.sh.

PASSED=0 FAILED=0 SKIPPED=0

# Sets RESULTS: a new folder for the logs and results of a verb.
start_results() { # VERB
    RESULTS=$ARTIFACTS/$1
    rm -rf "$RESULTS"
    mkdir -p "$RESULTS"
}

count() { # NAME PASSED FAILED SKIPPED TIME
    PASSED=$((PASSED + $2)) FAILED=$((FAILED + $3)) SKIPPED=$((SKIPPED + $4))
    printf '%-32s %5d passed %5d failed %5d skipped   %s\n' "$1" "$2" "$3" "$4" "$5" >>"$RESULTS/summary"
}

# Runs a command and counts it as one test.
check() { # NAME COMMAND...
    local name=$1 start
    shift
    start=$(milliseconds)
    if "$@"; then count "$name" 1 0 0 "$(seconds_since "$start")"; else
        count "$name" 0 1 0 "$(seconds_since "$start")"
        return 1
    fi
}

all_passed() { [ "$FAILED" -eq 0 ] && [ "$PASSED" -ne 0 ]; }

# The exit code of a run of tests, with its counts as the last line of output.
summarize() { # START
    say "==> Summary after $(seconds_since "$1") (logs and results: ${RESULTS#"$PWD"/})"
    cat "$RESULTS/summary"
    say "$(summary_line)"
    all_passed && { [ "$SKIPPED" -eq 0 ] || [ "${CI:-}" != true ]; }
}

summary_line() {
    printf '%d passed, %d failed' "$PASSED" "$FAILED"
    if [ "$SKIPPED" -ne 0 ]; then printf ', %d skipped' "$SKIPPED"; fi
}

# --- ci ----------------------------------------------------------------------------------------------------------------------------------

# Runs all verbs of CI_VERBS, also after a failure. The last line is the sum of their last lines.
verb_ci() {
    local entry verb verbs logs=$ARTIFACTS/ci
    rm -rf "$logs"
    mkdir -p "$logs"
    need_lists KUBERNETES
    # With it, test runs the tests of Kubernetes too. test-kubernetes would run them a second time; test-verbs tries that verb.
    compile_kube_apiserver || FAILED=$((FAILED + 1))
    for entry in "${CI_VERBS[@]}"; do
        IFS=+ read -ra verbs <<<"$entry"
        for verb in "${verbs[@]:1}"; do run_ci_verb "$verb" >/dev/null & done
        run_ci_verb "${verbs[0]}"
        wait
        for verb in "${verbs[@]:1}"; do cat "$logs/$verb.log"; done
        for verb in "${verbs[@]}"; do add_summary_of "$verb" "$(cat "$logs/$verb.status")" "$(tail -n 1 "$logs/$verb.log")"; done
    done
    say "$(summary_line)"
    all_passed
}

# Leaves the log and the exit code.
run_ci_verb() { # VERB
    local log=$ARTIFACTS/ci/$1 status=0
    { say "==> ./build.sh $1" && ./build.sh "$1"; } 2>&1 | tee "$log.log" || status=$?
    printf '%s\n' "$status" >"$log.status"
}

add_summary_of() { # VERB STATUS LINE
    local failed=1
    if [[ $3 =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        failed=${BASH_REMATCH[2]}
        PASSED=$((PASSED + BASH_REMATCH[1])) SKIPPED=$((SKIPPED + ${BASH_REMATCH[4]:-0}))
        # With CI=true a skipped test is a failure.
        if [ "$2" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
    fi
    if [ "$failed" -ne 0 ]; then say "==> ./build.sh $1 failed: exit code $2"; fi
    FAILED=$((FAILED + failed))
}
