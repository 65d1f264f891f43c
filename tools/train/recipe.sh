#!/usr/bin/env bash
# The default model from nothing, in one command that can be stopped and run again until it says that it is done.
#
#   tools/train/recipe.sh cpu DATA RUNS FILE     two halves of one schedule: about 2.5 hours each on two quiet cores
#   tools/train/recipe.sh gpu DATA RUNS FILE     a larger network, then the model with it as a teacher: MINUTES=9 in all
#
# DATA is the tiny-imagenet-200 folder, RUNS keeps everything between the stages, FILE is the model. Each stage begins
# with the weights file of the one before, RUNS/stage1.safetensors: with a copy of that alone, a machine that has nothing
# else goes on with the second stage. More arguments go to train.py: --stop-after 140, --threads 4, ...
set -euo pipefail
[ $# -ge 4 ] || {
  sed -n 's/^# \{0,1\}//; 2,9p' "$0" >&2
  exit 2
}
machine=$1 data=$2 runs=$3 file=$4
shift 4
mkdir -p "$runs"
stage1=$runs/stage1.safetensors

train() {
  local run=$1
  shift
  "${PYTHON:-python3}" "$(dirname "$0")/train.py" --data "$data" --cache "$runs" --run "$runs/$run" "$@"
}

case $machine in
cpu)
  [ -f "$stage1" ] || train stage1 --device cpu --to 0.68 --save-weights "$stage1" "$@"
  train stage2 --device cpu --from 0.68 --start-from "$stage1" --export "$file" "$@"
  ;;
gpu)
  share() { awk "BEGIN { print ${MINUTES:-9} * $1 }"; }
  [ -f "$stage1" ] || train stage1 --device cuda --layers 128s-r/256-r-r/512-r-r --minutes "$(share 0.4)" \
    --save-weights "$stage1" "$@"
  train stage2 --device cuda --teacher "$stage1" --minutes "$(share 0.6)" --export "$file" "$@"
  ;;
*)
  echo "$machine: expected cpu or gpu" >&2
  exit 2
  ;;
esac
