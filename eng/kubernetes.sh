# shellcheck shell=bash
# ./build.sh test-kubernetes: the tests that start a real kube-apiserver. Sourced by build.sh.

# The projects with such tests. Their trait is needs=kube-apiserver (KubePrograms in tests/Flannel.Testbed/Kubernetes).
KUBERNETES_PROJECTS=(Flannel.EndToEnd.Tests Flannel.Kubernetes.Tests)
# The arguments of the runner for these projects.
KUBERNETES_ARGUMENTS=(-trait- needs=kube-apiserver)

verb_test_kubernetes() {
    local start project
    start=$(milliseconds)
    need_dotnet
    start_results test-kubernetes
    if check kube-apiserver compile_kube_apiserver && check publish verb_publish; then
        KUBERNETES_ARGUMENTS=(-trait needs=kube-apiserver)
        for project in "${KUBERNETES_PROJECTS[@]}"; do
            if [ -n "${TEST_SAMPLE:-}" ] && [ -z "$(sample_arguments "$project")" ]; then continue; fi
            step "Building $project" compile "tests/$project/$project.csproj"
            step "Running $project" run_project "$project"
            collect_project "$project"
        done
    fi
    summarize "$start"
}

# Exports the path of the executable for the test bed.
compile_kube_apiserver() {
    step "Compiling kube-apiserver, unless it is cached" eng/kube_apiserver.sh || return 1
    FLANNEL_KUBE_APISERVER=$(eng/kube_apiserver.sh --cached) || return 1
    export FLANNEL_KUBE_APISERVER
}

has_kubernetes_tests() { # PROJECT...
    local project
    for project in "$@"; do
        if [[ " ${KUBERNETES_PROJECTS[*]} " == *" $project "* ]]; then return; fi
    done
    return 1
}

# For test and test-order: without a compiled kube-apiserver they leave out the tests that start it.
use_cached_kube_apiserver() {
    if FLANNEL_KUBE_APISERVER=$(eng/kube_apiserver.sh --cached 2>/dev/null); then
        export FLANNEL_KUBE_APISERVER
        # shellcheck disable=SC2034 # used in eng/test.sh
        KUBERNETES_ARGUMENTS=()
    else
        say "==> kube-apiserver is not compiled: test-kubernetes compiles it and runs the tests with it"
    fi
}
