# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Progress lines, errors and privileges shared by setup/install, check and reproduce.
# The caller sets PROGRAM; every message goes to one place and looks the same.

BLEND_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${PROGRAM:=$(basename "$0")}"
: "${BLEND_CACHE:=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/blendfs}"
export BLEND_CACHE
BLEND_LIBFUSE_MINIMUM=3.17   # older ones lack passthrough and the newer session interface
BLEND_QEMU_MINIMUM=8.0       # 7.2 crashes guests under software emulation

# say TEXT...: one progress line with the time since the program began.
say() { printf '%s: [%4d s] %s\n' "$PROGRAM" "$SECONDS" "$*"; }

# fail TEXT...: one line on stderr, then exit with FAIL_CODE (1 unless the caller set it).
fail() {
  printf '%s: %s\n' "$PROGRAM" "$*" >&2
  exit "${FAIL_CODE:-1}"
}

# run_logged LOG COMMAND...: runs quietly; the log holds what it said. The command's exit code.
run_logged() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  printf '\n== %s\n' "$*" >>"$log"
  "$@" >>"$log" 2>&1 </dev/null 9>&-   # 9: the lock of setup/install, not for what outlives it
}

# as_root COMMAND...: as it is for root, through sudo for others.
as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  else
    sudo "$@"
  fi
}

# can_be_root: whether as_root can work; asks for a password only where someone can type it.
can_be_root() {
  [[ $EUID -eq 0 ]] && return 0
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null && return 0
  [[ -t 0 && -t 2 ]] && sudo -v
}

# version_at_least HAVE WANT: compares as Debian compares versions.
version_at_least() { dpkg --compare-versions "$1" ge "$2"; }

# free_mib DIR: space left for this user below DIR, which need not exist yet.
free_mib() {
  local dir=$1
  while [[ ! -d $dir ]]; do dir=$(dirname "$dir"); done
  df --output=avail -B1M "$dir" | tail -1 | tr -d ' '
}
