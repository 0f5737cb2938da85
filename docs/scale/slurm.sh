#!/bin/bash
# A Slurm array of 16 workers. Usage: sbatch slurm.sh MODEL BENCHMARK DATA OUT [OPTION…]
#SBATCH --array=0-15
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=8
#SBATCH --requeue
set -euo pipefail
model=$1 benchmark=$2 data=$3 out=$4
shift 4
hardiness run -m "$model" -b "$benchmark" --data "$data" --out "$out" \
    --worker "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" "$@"
