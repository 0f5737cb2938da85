#!/bin/bash
# Four workers on one machine. Usage: loop.sh MODEL BENCHMARK DATA OUT [OPTION…]
set -euo pipefail
model=$1 benchmark=$2 data=$3 out=$4
shift 4
workers=${WORKERS:-4}
for i in $(seq 0 $((workers - 1))); do
    hardiness run -m "$model" -b "$benchmark" --data "$data" --out "$out" --worker "$i/$workers" "$@" &
done
wait
