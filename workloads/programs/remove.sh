#!/bin/sh
# SPDX-License-Identifier: MIT
# rm -r of ten copies of the source tree of Lua (800 objects, 14 MB).
set -eu
verb=$1
dir=$2
tar=$3/lua.tar
copies='0 1 2 3 4 5 6 7 8 9'
fail() {
  echo "remove: $*" >&2
  exit 1
}

case $verb in
  prepare)
    for copy in $copies; do
      mkdir -p "$dir/trees/$copy"
      tar xf "$tar" -C "$dir/trees/$copy"
    done
    find "$dir/trees" -mindepth 1 | wc -l >"$dir/before"
    ;;
  run)
    cd "$dir/trees"
    # shellcheck disable=SC2086 # a list of names
    rm -r $copies
    ;;
  check)
    [ -d "$dir/trees" ] || fail "the folder above is gone as well"
    left=$(find "$dir/trees" -mindepth 1 | wc -l)
    [ "$left" -eq 0 ] || fail "$left objects are left"
    [ ! -e "$dir/trees/0" ] || fail "a removed folder is still found by its name"
    # A folder that has something left cannot be removed, whatever its listing says.
    rmdir "$dir/trees" || fail "the folder is not empty"
    echo "$(cat "$dir/before") objects removed"
    ;;
  *) fail "there is no verb $verb" ;;
esac
