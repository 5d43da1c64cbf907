#!/bin/sh
# SPDX-License-Identifier: MIT
# What sbatch starts: one block of a bundle. It takes everything by arguments and from Slurm's own variables:
#   block.sh BUNDLE RESULTS SCRATCH [OPTION...]
set -eu
bundle=$1 results=$2 scratch=$3
shift 3
PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
exec "$bundle/bin/blendbench" block "$SLURM_ARRAY_TASK_ID" --bundle "$bundle" --results "$results" \
  --scratch "$scratch" --node "${SLURMD_NODENAME:-$(uname -n)}" "$@"
