#!/bin/bash
# A Slurm array of 16 workers. Usage: sbatch slurm.sh MODEL BENCHMARK DATA OUT [-m MODEL… -b BENCHMARK… OPTION…]
# DATA and OUT lie on a file system that every node mounts, or OUT is an object store. A worker that crashes is started
# again on its node, one whose node is lost is queued again. Each task's status is that of its worker.
#SBATCH --array=0-15
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=8
#SBATCH --mem=32G
#SBATCH --requeue
set -u
model=$1 benchmark=$2 data=$3 out=$4
shift 4
for _ in 1 2 3 4 5 6; do
    hardiness run -m "$model" -b "$benchmark" --data "$data" --out "$out" \
        --worker "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" "$@"
    status=$?
    case $status in 129 | 130 | 143) break ;; esac # somebody ended it
    [ "$status" -gt 128 ] || break
    echo "worker $SLURM_ARRAY_TASK_ID crashed (status $status) and is started again" >&2
done
exit "$status"
