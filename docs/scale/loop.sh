#!/bin/bash
# Four workers on one machine (WORKERS=N), one a GPU in turn.
# Usage: loop.sh MODEL BENCHMARK DATA OUT [-m MODEL… -b BENCHMARK… OPTION…]
# A worker that crashes is started again. The status is the highest of all workers: 0 where everything was evaluated.
set -um -o pipefail
model=$1 benchmark=$2 data=$3 out=$4
shift 4
workers=${WORKERS:-4} pids=()
work() {
    local i=$1 status
    shift
    for _ in 1 2 3 4 5 6; do
        LOCAL_RANK=$i hardiness run -m "$model" -b "$benchmark" --data "$data" --out "$out" --worker "$i/$workers" "$@"
        status=$?
        case $status in 129 | 130 | 143) return "$status" ;; esac # somebody ended it
        [ "$status" -gt 128 ] || return "$status"
        echo "worker $i crashed (status $status) and is started again" >&2
    done
    return "$status"
}
trap 'for pid in "${pids[@]}"; do kill -TERM -- "-$pid"; done' INT TERM HUP
for i in $(seq 0 $((workers - 1))); do
    work "$i" "$@" &
    pids+=($!)
done
highest=0
for pid in "${pids[@]}"; do
    wait "$pid"
    status=$?
    [ "$status" -le "$highest" ] || highest=$status
done
exit "$highest"
