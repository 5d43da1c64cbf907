#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154  # moddir is dracut's
# The dracut module of blendfs: part of every image, idle unless blendfs.system= is on the kernel command line.

check() {
  require_binaries blkid date mv chmod cat sync || return 1
  [[ -x /usr/lib/blendfs/blendfs-static ]]
}

depends() {
  echo base shutdown
}

installkernel() {
  # Not only what this machine uses: images come and go.
  hostonly='' instmods fuse ext4 erofs squashfs xfs btrfs
}

install() {
  inst_multiple blkid date mv cp mkdir chmod cat sync sleep mount modprobe
  inst_simple /usr/lib/blendfs/blendfs-static /usr/lib/blendfs/@blendfs
  inst_simple /usr/lib/blendfs/shutdown
  inst_simple /usr/share/blendfs/root.sh
  inst_hook cmdline 30 "$moddir/parse-blendfs.sh"
  inst_hook mount 30 "$moddir/mount-blendfs.sh"
  inst_hook shutdown 30 "$moddir/shutdown-blendfs.sh"
}
