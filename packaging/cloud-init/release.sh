#!/bin/sh
# release.sh REGION INSTANCE...: releases the lease and the route of each instance, one after the other, before the instances are deleted.
# Name the etcd host last: the others need it.
#
# Cloud Assistant runs /usr/local/sbin/flanneld-release of the user data. aliyun, the Alibaba Cloud CLI, needs a profile or variables with
# the RAM actions ecs:RunCommand and ecs:DescribeInvocationResults.
# FLANNEL_SKIP_RELEASE=1 does nothing, for instances that do not run any more. Delete their route entries otherwise.
set -eu

fail() { echo "release.sh: $*" >&2; exit 1; }

# The first value of a field in a response of aliyun.
field() { sed -n 's/.*"'"$1"'": *"\{0,1\}\([^",]*\).*/\1/p' | head -n 1; }

release() { # INSTANCE
    started=$(aliyun ecs RunCommand --RegionId "$region" --Type RunShellScript --CommandContent /usr/local/sbin/flanneld-release \
        --Name flanneld-release --Timeout 300 --InstanceId.1 "$1" 2>&1) || case $started in
        *InvalidInstance*NotFound*) echo "$1 does not exist: nothing to release"; return ;;
        *) fail "$1 not released: $started" ;;
    esac
    invocation=$(printf '%s' "$started" | field InvokeId)
    [ -n "$invocation" ] || fail "$1 not released: no InvokeId in the response: $started"
    status=Pending
    for _ in $(seq 200); do
        result=$(aliyun ecs DescribeInvocationResults --RegionId "$region" --InvokeId "$invocation" --InstanceId "$1") ||
            fail "$1: the result of command $invocation cannot be read"
        status=$(printf '%s' "$result" | field InvocationStatus)
        case $status in Pending | Scheduled | Running | Stopping) sleep "${FLANNEL_RELEASE_POLL:-2}" ;; *) break ;; esac
    done
    # The output is base64.
    printf '%s' "$result" | field Output | base64 -d | sed "s/^/$1: /"
    if [ "$status" != Success ]; then
        reason=$(printf '%s' "$result" | field ErrorInfo)
        fail "$1 not released: command $invocation is $status${reason:+ ($reason)}; run flanneld-release on it," \
            "or delete its route entry and set FLANNEL_SKIP_RELEASE=1"
    fi
    echo "$1 released"
}

[ $# -ge 2 ] || fail "usage: release.sh REGION INSTANCE..."
region=$1
shift
if [ -n "${FLANNEL_SKIP_RELEASE:-}" ]; then
    echo "FLANNEL_SKIP_RELEASE is set: not released: $*"
    exit
fi
command -v aliyun >/dev/null || fail "missing aliyun, the Alibaba Cloud CLI: install it, or set FLANNEL_SKIP_RELEASE=1"
for instance; do release "$instance"; done
