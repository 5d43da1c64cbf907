#!/bin/sh
# SPDX-License-Identifier: MIT
# 400 files of 4 KiB made by fs_mark, each with the fsync that is its default.
set -eu
verb=$1
dir=$2
files=400
bytes=4096
fail() {
  echo "fs-mark: $*" >&2
  exit 1
}

case $verb in
  prepare) mkdir "$dir/files" ;;
  run)
    cd "$dir" # it takes no path of 40 bytes or more
    fs_mark -d files -n $files -s $bytes -k -l log >/dev/null
    ;;
  check)
    found=$(find "$dir/files" -type f -size ${bytes}c | wc -l)
    [ "$found" -eq $files ] || fail "$found files of $files have $bytes bytes"
    found=$(find "$dir/files" -mindepth 1 | wc -l)
    [ "$found" -eq $files ] || fail "there are $found objects where $files files belong"
    # fs_mark writes zeros.
    found=$(find "$dir/files" -type f -exec cat {} + | tr -d '\0' | wc -c)
    [ "$found" -eq 0 ] || fail "$found bytes are others than were written"
    echo "$files files of $bytes bytes"
    ;;
  *) fail "there is no verb $verb" ;;
esac
