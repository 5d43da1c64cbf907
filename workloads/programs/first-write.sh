#!/bin/sh
# SPDX-License-Identifier: MIT
# The first write to a large file of the system image: a byte at its end, with fsync.
set -eu
verb=$1
dir=$2
file=${BLEND_SYSTEM:?is not set: the root of the system tree}
file=${file%/}/usr/share/blend/data.bin
fail() {
  echo "first-write: $*" >&2
  exit 1
}

case $verb in
  prepare)
    cksum <"$file" >"$dir/before" || fail "$file cannot be read"
    stat -c %s "$file" >"$dir/size"
    printf + >"$dir/byte"
    ;;
  run) dd if="$dir/byte" of="$file" oflag=append conv=notrunc,fsync status=none ;;
  check)
    size=$(cat "$dir/size")
    found=$(stat -c %s "$file")
    [ "$found" -eq $((size + 1)) ] || fail "$file has $found bytes in place of $((size + 1))"
    [ "$(tail -c 1 "$file")" = + ] || fail "the byte that was written is not there"
    [ "$(head -c "$size" "$file" | cksum)" = "$(cat "$dir/before")" ] || fail "other bytes of $file have changed"
    echo "$size bytes before"
    ;;
  *) fail "there is no verb $verb" ;;
esac
