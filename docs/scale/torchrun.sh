#!/bin/bash
# A worker a process of torchrun, which sets RANK and WORLD_SIZE. Usage: torchrun.sh MODEL BENCHMARK DATA OUT [OPTION…]
set -euo pipefail
model=$1 benchmark=$2 data=$3 out=$4
shift 4
torchrun --nproc-per-node "${WORKERS:-4}" --no-python \
    hardiness run -m "$model" -b "$benchmark" --data "$data" --out "$out" "$@"
