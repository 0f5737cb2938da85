#!/bin/bash
# A worker a process of torchrun, which sets RANK, WORLD_SIZE and LOCAL_RANK: each takes the GPU of that number.
# Usage: torchrun.sh MODEL BENCHMARK DATA OUT [-m MODEL… -b BENCHMARK… OPTION…]
# A worker that crashes is started again by itself: torchrun would end the others. The status is the highest of all.
set -u
model=$1 benchmark=$2 data=$3 out=$4
shift 4
export STATUSES
STATUSES=$(mktemp)
trap 'rm -f "$STATUSES"' EXIT
# shellcheck disable=SC2016 # the worker's own shell expands it
torchrun --nproc-per-node "${WORKERS:-4}" --no-python bash -c '
    for _ in 1 2 3 4 5 6; do
        hardiness run "$@"
        status=$?
        case $status in 129 | 130 | 143) break ;; esac # somebody ended it
        [ "$status" -gt 128 ] || break
        echo "worker $RANK crashed (status $status) and is started again" >&2
    done
    echo "$status" >>"$STATUSES"' worker \
    -m "$model" -b "$benchmark" --data "$data" --out "$out" "$@" || echo 1 >>"$STATUSES"
exit "$(sort -n "$STATUSES" | tail -n 1)"
