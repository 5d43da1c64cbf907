#!/bin/sh
# SPDX-License-Identifier: MIT
# The source tree of Lua unpacked by tar, ten times side by side (800 objects, 14 MB), to the disk.
set -eu
verb=$1
dir=$2
tar=$3/lua.tar
copies='0 1 2 3 4 5 6 7 8 9'
fail() {
  echo "unpack: $*" >&2
  exit 1
}

# A union in user space is not asked when its file system is synced, so what is below it is named as well.
durable() {
  if [ -n "${BLEND_BACKING:-}" ]; then sync -f "$dir" "$BLEND_BACKING"; else sync; fi
}

case $verb in
  prepare)
    for copy in $copies; do mkdir "$dir/$copy"; done
    cat "$tar" >/dev/null # reading it is no part of the work
    ;;
  run)
    for copy in $copies; do tar xf "$tar" -C "$dir/$copy"; done
    durable
    ;;
  check)
    members=$(tar tf "$tar" | wc -l)
    for copy in $copies; do
      tar --compare -f "$tar" -C "$dir/$copy" >"$dir/differs" 2>&1 || fail "copy $copy: $(tail -n 1 "$dir/differs")"
      found=$(find "$dir/$copy" -mindepth 1 | wc -l)
      [ "$found" -eq "$members" ] || fail "copy $copy has $found objects, the archive $members"
    done
    echo "10 copies of $members objects"
    ;;
  *) fail "there is no verb $verb" ;;
esac
