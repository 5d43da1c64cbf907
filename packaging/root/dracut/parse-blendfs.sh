#!/bin/sh
# SPDX-License-Identifier: MIT
# Read by dracut while it looks at the kernel command line: says that the root is ours, and complains early.
# shellcheck disable=SC2034  # root and rootok are dracut's

if getarg blendfs.system= >/dev/null; then
  # shellcheck source=packaging/root/root.sh
  . /usr/share/blendfs/root.sh
  # systemd would mount what root= names, before anybody asks us.
  if getarg root= >/dev/null; then
    die "blendfs: leave out root= where blendfs.system= says what the root is"
  fi
  read -r blendfs_line </proc/cmdline
  if blendfs_read_parameters "$blendfs_line" && blendfs_check_parameters; then
    root=blendfs
    rootok=1
  else
    die "blendfs: $blendfs_problem"
  fi
fi
