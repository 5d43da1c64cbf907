#!/bin/sh
# SPDX-License-Identifier: MIT
# find over the system tree, with every object's type and size.
set -eu
verb=$1
dir=$2
tree=${BLEND_SYSTEM:?is not set: the root of the system tree}
tree=${tree%/}/usr
fail() {
  echo "find: $*" >&2
  exit 1
}

# A folder's size is its file system's own affair and may change when an entry is made in the upper.
list() { find "$tree" -xdev \( -type d -printf 'd %p\n' \) -o -printf '%y %s %p\n'; }

case $verb in
  prepare) list | LC_ALL=C sort >"$dir/before" ;; # and brings all of it into the caches
  warm) find --version >/dev/null ;;
  run) list >"$dir/found" ;;
  check)
    LC_ALL=C sort "$dir/found" >"$dir/sorted"
    before=$(wc -l <"$dir/before")
    found=$(wc -l <"$dir/sorted")
    [ "$found" -eq "$before" ] || fail "$found objects, $before a moment ago"
    cmp -s "$dir/before" "$dir/sorted" || fail "other types, sizes or names than a moment ago"
    [ "$found" -gt 1 ] || fail "there is nothing in $tree"
    echo "$found objects"
    ;;
  *) fail "there is no verb $verb" ;;
esac
