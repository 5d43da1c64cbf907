#!/bin/sh
# SPDX-License-Identifier: MIT
# chmod of a large file of the system image: the hardware database, which is the largest that first-write leaves alone
# (first-write has made its own file the user's).
set -eu
verb=$1
dir=$2
file=${BLEND_SYSTEM:?is not set: the root of the system tree}
file=${file%/}/usr/lib/udev/hwdb.bin
mode=640
fail() {
  echo "first-chmod: $*" >&2
  exit 1
}

case $verb in
  prepare)
    cksum <"$file" >"$dir/before" || fail "$file cannot be read"
    [ "$(stat -c %a "$file")" != $mode ] || fail "$file has mode $mode already"
    stat -c '%s %u:%g %Y' "$file" >"$dir/attributes"
    ;;
  run) chmod $mode "$file" ;;
  check)
    found=$(stat -c %a "$file")
    [ "$found" = $mode ] || fail "$file has mode $found in place of $mode"
    [ "$(stat -c '%s %u:%g %Y' "$file")" = "$(cat "$dir/attributes")" ] || fail "other attributes of $file have changed"
    [ "$(cksum <"$file")" = "$(cat "$dir/before")" ] || fail "bytes of $file have changed"
    echo "$(cut -d ' ' -f 1 "$dir/attributes") bytes"
    ;;
  *) fail "there is no verb $verb" ;;
esac
