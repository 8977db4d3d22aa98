# shellcheck shell=bash
# ./build.sh simulate: many seeded histories of both simulations (docs/simulation.md). Sourced by build.sh.

USUAL_HISTORIES=1000
# A part is one run of a simulation: what it found is shown when it ends.
LARGEST_PART=500

# The project of a simulation and its test. Both read FLANNEL_SIM_SEED and FLANNEL_SIM_HISTORIES and say how many histories passed.
simulation_of() { # NAME: sets PROJECT and METHOD
    case $1 in
        leases) PROJECT=Flannel.Simulation.Tests METHOD='*HistoryTests.No_history_*' ;;
        routes) PROJECT=Flannel.RouteController.Tests METHOD='*RouteSimulationTests.Whatever_happens_*' ;;
    esac
}

run_simulations() { # [HISTORIES [FIRST]]
    local histories=${1:-$USUAL_HISTORIES} first=${2:-1} start name PROJECT METHOD
    [[ $histories =~ ^[1-9][0-9]{0,6}$ ]] || fail "simulate takes a number of histories from 1 to 9999999, not '$histories'"
    [[ $first =~ ^[1-9][0-9]{0,6}$ ]] || fail "simulate takes a first seed from 1 to 9999999, not '$first'"
    start=$(milliseconds)
    need_dotnet
    start_results simulate
    for name in leases routes; do
        simulation_of "$name"
        step "Building $PROJECT" compile "tests/$PROJECT/$PROJECT.csproj"
        simulate "$name" "$histories" "$first"
    done
    summarise "$start"
}

simulate() { # NAME HISTORIES FIRST
    local name=$1 left=$2 seed=$3 part start passed=0 failed=0 log=$RESULTS/$1.log
    start=$(milliseconds)
    while [ "$left" -gt 0 ]; do
        part=$((left < LARGEST_PART ? left : LARGEST_PART))
        FLANNEL_SIM_SEED=$seed FLANNEL_SIM_HISTORIES=$part DOTNET_TieredPGO=0 DOTNET_gcConcurrent=0 \
            "$ARTIFACTS/msbuild/bin/$PROJECT/${CONFIGURATION,,}/$PROJECT" -noColor -noLogo -showLiveOutput -method "$METHOD" >"$log" 2>&1 || cat "$log"
        [[ $(<"$log") =~ ([0-9]+)\ histories\ passed,\ ([0-9]+)\ failed ]] || fail "the simulation of $name ended without a result"
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        seed=$((seed + part)) left=$((left - part))
        say "    $name: $passed histories passed, $failed failed, up to seed $((seed - 1)), $(seconds_since "$start")"
    done
    # After some failures a part does not go on.
    count "$name" "$passed" "$failed" $(($2 - passed - failed)) "$(seconds_since "$start")"
}
