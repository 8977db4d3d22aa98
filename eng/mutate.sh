# shellcheck shell=bash
# ./build.sh mutate: the mutation score of the pure code (docs/mutation.md). Sourced by build.sh.

# The values of each property. Stryker runs the tests of a mutant again and again.
VALUES_PER_PROPERTY=100
# NAME TEST_PROJECT: the mutated files and the lowest accepted score are in eng/mutate-NAME.json.
MUTATED_PARTS='
core      Flannel.Core.Tests
planning  Flannel.RouteController.Tests
'

verb_mutate() { # [PART [FILE]]
    local part=${1:-} file=${2:-} name project start found=
    start=$(milliseconds)
    need_dotnet
    start_results mutate
    step "Installing the tools of .config/dotnet-tools.json" dotnet tool restore --verbosity quiet
    while read -r name project; do
        if [ -z "$name" ] || [ "$name" != "${part:-$name}" ]; then continue; fi
        found=true
        check "$name" step "Mutating what eng/mutate-$name.json names" mutate "$name" "$project" "$file" || true
    done <<<"$MUTATED_PARTS"
    [ -n "$found" ] || fail "usage: ./build.sh mutate [core|planning [FILE]]"
    summarize "$start"
}

# Stryker takes the project that is tested from the folder it is started in. FLANNEL_MUTATED_PART leaves out the tests of other parts.
mutate() { # NAME TEST_PROJECT [FILE]
    local log=$RESULTS/$1.log only=()
    if [ -n "$3" ]; then only=(--mutate "$3" --break-at 0); fi
    (
        cd "tests/$2" && FLANNEL_TEST_VALUES=$VALUES_PER_PROPERTY FLANNEL_MUTATED_PART=$1 \
            dotnet stryker --config-file "../../eng/mutate-$1.json" --output "$RESULTS/$1" --skip-version-check "${only[@]}"
    ) >"$log" 2>&1 || { tail -n 40 "$log"; return 1; }
    grep -aoE 'final mutation score is [0-9.]+ %' "$log"
}
