#!/bin/sh
# SPDX-License-Identifier: MIT
# An empty line added to each of 300 small files of the system image, the kernel's headers.
set -eu
verb=$1
dir=$2
folder=${BLEND_SYSTEM:?is not set: the root of the system tree}
folder=${folder%/}/usr/include/linux
count=300
fail() {
  echo "copy-ups: $*" >&2
  exit 1
}

case $verb in
  prepare)
    find "$folder" -maxdepth 1 -type f -name '*.h' | LC_ALL=C sort | head -n $count >"$dir/list"
    found=$(wc -l <"$dir/list")
    [ "$found" -eq $count ] || fail "there are only $found files in $folder"
    # `check` takes the last line of each for the one that was added.
    [ "$(xargs tail -q -c 1 <"$dir/list" | tr -d '\n' | wc -c)" -eq 0 ] || fail "a file's last line does not end"
    xargs cat <"$dir/list" | cksum >"$dir/before"
    xargs stat -c '%s %a %n' <"$dir/list" >"$dir/attributes"
    ;;
  run) while read -r file; do echo >>"$file"; done <"$dir/list" ;;
  check)
    xargs stat -c '%s %a %n' <"$dir/list" >"$dir/found"
    while read -r size rest; do echo "$((size + 1)) $rest"; done <"$dir/attributes" >"$dir/expected"
    cmp -s "$dir/expected" "$dir/found" || fail "a file has another size or mode"
    [ "$(xargs tail -q -c 1 <"$dir/list" | tr -d '\n' | wc -c)" -eq 0 ] || fail "another byte than was written"
    [ "$(xargs sed -s '$d' <"$dir/list" | cksum)" = "$(cat "$dir/before")" ] || fail "other bytes of a file have changed"
    echo "$count files"
    ;;
  *) fail "there is no verb $verb" ;;
esac
