# shellcheck shell=bash
# ./build.sh fuzz (docs/fuzzing.md) and simulate (docs/simulation.md): the tests with random inputs, for longer. Sourced by build.sh.

DEFAULT_FUZZ_SECONDS=600
DEFAULT_HISTORIES=1000
# The histories of one run of a simulation. The failures are shown when it ends.
HISTORIES_PER_RUN=500

verb_fuzz() { # [SECONDS]
    local seconds=${1:-$DEFAULT_FUZZ_SECONDS} project=Flannel.Simulation.Tests
    [[ $seconds =~ ^[0-9]+$ ]] || fail "fuzz takes a number of seconds, not '$seconds'"
    need_dotnet
    step "Building $project" compile "tests/$project/$project.csproj"
    FLANNEL_FUZZ_SECONDS=$seconds FLANNEL_FUZZ_SEED=${FLANNEL_FUZZ_SEED:-$(date +%s)} \
        exec "$(program_of "$project")" -noColor -noLogo -showLiveOutput -class "*.FuzzTests"
}

verb_simulate() { # [HISTORIES [FIRST]]
    local histories=${1:-$DEFAULT_HISTORIES} first=${2:-1} start name PROJECT METHOD
    [[ $histories =~ ^[1-9][0-9]{0,6}$ ]] || fail "simulate takes a number of histories from 1 to 9999999, not '$histories'"
    [[ $first =~ ^[1-9][0-9]{0,6}$ ]] || fail "simulate takes a first seed from 1 to 9999999, not '$first'"
    start=$(milliseconds)
    need_dotnet
    start_results simulate
    for name in leases routes kubernetes; do
        set_simulation "$name"
        step "Building $PROJECT" compile "tests/$PROJECT/$PROJECT.csproj"
        simulate "$name" "$histories" "$first"
    done
    summarize "$start"
}

# Sets PROJECT and METHOD. The test reads FLANNEL_SIM_SEED and FLANNEL_SIM_HISTORIES and prints how many histories passed.
set_simulation() { # NAME
    case $1 in
        leases) PROJECT=Flannel.Simulation.Tests METHOD='*.HistoryTests.No_history_*' ;;
        kubernetes) PROJECT=Flannel.Simulation.Tests METHOD='*.KubeHistoryTests.No_history_*' ;;
        routes) PROJECT=Flannel.RouteController.Tests METHOD='*RouteSimulationTests.Invariants_hold_*' ;;
    esac
}

simulate() { # NAME HISTORIES FIRST
    local name=$1 left=$2 seed=$3 part start passed=0 failed=0 log=$RESULTS/$1.log
    start=$(milliseconds)
    while [ "$left" -gt 0 ]; do
        part=$((left < HISTORIES_PER_RUN ? left : HISTORIES_PER_RUN))
        FLANNEL_SIM_SEED=$seed FLANNEL_SIM_HISTORIES=$part DOTNET_TieredPGO=0 DOTNET_gcConcurrent=0 \
            "$(program_of "$PROJECT")" -noColor -noLogo -showLiveOutput -method "$METHOD" >"$log" 2>&1 || cat "$log"
        [[ $(<"$log") =~ ([0-9]+)\ histories\ passed,\ ([0-9]+)\ failed ]] || fail "the simulation of $name ended without a result"
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        seed=$((seed + part)) left=$((left - part))
        say "    $name: $passed histories passed, $failed failed, up to seed $((seed - 1)), $(seconds_since "$start")"
    done
    # A run ends early after several failures; the rest counts as skipped.
    count "$name" "$passed" "$failed" $(($2 - passed - failed)) "$(seconds_since "$start")"
}
