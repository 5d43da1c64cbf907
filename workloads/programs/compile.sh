#!/bin/sh
# SPDX-License-Identifier: MIT
# Lua compiled and linked, by tcc where there is one, else by the system's compiler.
set -eu
verb=$1
dir=$2
tar=$3/lua.tar
fail() {
  echo "compile: $*" >&2
  exit 1
}
compiler=$(command -v tcc || command -v cc) || fail "there is neither tcc nor cc"

case $verb in
  prepare)
    mkdir "$dir/tree" "$dir/objects"
    tar xf "$tar" -C "$dir/tree"
    cat >"$dir/test.lua" <<'LUA'
local numbers = {}
for i = 1, 1000 do numbers[i] = (i * 7919) % 1009 end
table.sort(numbers)
local sum = 0
for i, number in ipairs(numbers) do sum = sum + i * number end
local squares = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i * i) end end)
local caught, why = pcall(error, "no", 0)
local words = {}
for word in ("one two three"):gmatch("%a+") do words[#words + 1] = word:upper() end
print(sum, squares() + squares() + squares(), caught, why, table.concat(words, "+"), string.pack(">i2", 16706), 7 // 2,
      ("%.3f"):format(math.pi), #utf8.char(8364), os.time{year = 2001, month = 1, day = 1, hour = 12} > 0)
LUA
    ;;
  run)
    for source in "$dir"/tree/lua-5.4*/src/*.c; do
      name=${source##*/}
      [ "$name" = luac.c ] || "$compiler" -c -DLUA_USE_POSIX -o "$dir/objects/${name%.c}.o" "$source"
    done
    "$compiler" -o "$dir/lua" "$dir"/objects/*.o -lm
    ;;
  check)
    [ -x "$dir/lua" ] || fail "there is no program"
    answer=$("$dir/lua" "$dir/test.lua" 2>&1 | tr '\t' ' ') || fail "the program fails"
    expected='336766430 14 false no ONE+TWO+THREE AB 3 3.142 3 true'
    [ "$answer" = "$expected" ] || fail "the program prints '$answer' in place of '$expected'"
    # What is linked is all there is: an object that got lost would have been noticed, a source not.
    sources=$(find "$dir"/tree/lua-5.4*/src -name '*.c' ! -name luac.c | wc -l)
    objects=$(find "$dir/objects" -name '*.o' -size +0 | wc -l)
    [ "$objects" -eq "$sources" ] || fail "$objects objects of $sources sources"
    tar --compare -f "$tar" -C "$dir/tree" >"$dir/differs" 2>&1 || fail "sources: $(tail -n 1 "$dir/differs")"
    echo "$sources sources, ${compiler##*/}"
    ;;
  *) fail "there is no verb $verb" ;;
esac
