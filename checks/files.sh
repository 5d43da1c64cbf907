# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Which files a lint looks at: those that git tracks or could track, or all of an unpacked archive.

# project_files PATTERN...: names relative to the project's root, one a line.
project_files() {
  local pattern name
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard -- "$@" | sort -u | while IFS= read -r name; do
      [[ ! -f $name ]] || printf '%s\n' "$name"
    done
  else
    for pattern in "$@"; do
      find . -path ./build -prune -o -path "./$pattern" -type f -print
    done | sed 's|^\./||' | sort -u
  fi
}

# bash_scripts: shell scripts with and without a suffix, told by their first line.
bash_scripts() {
  local name first
  project_files '*' | while IFS= read -r name; do
    case $name in
      *.sh) printf '%s\n' "$name" ;;
      *.*) ;;
      *)
        IFS= read -r first <"$name" 2>/dev/null || true
        if [[ $first =~ ^#!.*(bash|/sh)$ ]]; then printf '%s\n' "$name"; fi
        ;;
    esac
  done
}

# verdict CODE: the closing line of a lint.
verdict() {
  if [[ $1 -eq 0 ]]; then echo "1 passed, 0 failed, 0 skipped"; else echo "0 passed, 1 failed, 0 skipped"; fi
  exit "$1"
}

# skip REASON...: ends a lint that cannot run here.
skip() {
  printf 'skipped 1: %s\n0 passed, 0 failed, 1 skipped\n' "$*"
  exit 0
}
