#!/bin/sh
# SPDX-License-Identifier: MIT
# Read by dracut when it is time to mount the root.

if [ "${root:-}" = blendfs ] && ! ismounted "$NEWROOT"; then
  # shellcheck source=packaging/root/root.sh
  . /usr/share/blendfs/root.sh
  # Drivers of disks may still be loading: nothing that dracut knows of has asked it to wait.
  udevadm settle --timeout=30
  read -r blendfs_line </proc/cmdline
  if ! blendfs_assemble "$blendfs_line" "$NEWROOT"; then
    blendfs_explain
    die "blendfs: $blendfs_problem"
  fi
fi
