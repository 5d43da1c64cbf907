# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# The virtiofs daemon, for guests whose root is merged on the host: the system's, or where the
# release has no package of it the one of a later release of the same distribution, with the libraries
# it is linked with, unpacked into $BLEND_CACHE/virtiofsd/VERSION. Nothing of it is installed: the
# script `virtiofsd` in there runs it by its own loader. apt checks the packages against the archive's
# signature; the machine's apt sources stay as they are (a configuration and lists of their own).

# A change of how the copy is put together; one of another recipe is made anew.
VIRTIOFSD_RECIPE=1
# It, and what it is linked with.
VIRTIOFSD_PACKAGES=(virtiofsd libc6 libcap-ng0 libgcc-s1 libseccomp2)

# virtiofsd_suites: releases whose packages may be taken, best first. Ubuntu's have one of their own.
virtiofsd_suites() { [[ $(release_field ID) != debian ]] || printf '%s\n' trixie forky; }

# virtiofsd_system: the path of the system's, empty where there is none. blendbench looks in the same
# places (harness/host/virtiofsd.cc).
virtiofsd_system() {
  local path
  for path in "$(command -v virtiofsd || true)" /usr/libexec/virtiofsd /usr/lib/virtiofsd; do
    if [[ -f $path && -x $path ]]; then
      printf '%s' "$path"
      return 0
    fi
  done
}

# virtiofsd_cached: the folder of the newest complete copy in the cache, empty where there is none.
virtiofsd_cached() {
  local dir
  for dir in "$BLEND_CACHE"/virtiofsd/*/; do
    [[ $(cat "$dir/recipe" 2>/dev/null) == "$VIRTIOFSD_RECIPE" && -x $dir/virtiofsd ]] && printf '%s\n' "${dir%/}"
  done | sort -V | tail -1
}

virtiofsd_ready() { [[ -n $(virtiofsd_system) || -n $(virtiofsd_cached) ]]; }

# virtiofsd_chosen: for people, which one there is.
virtiofsd_chosen() {
  local path
  path=$(virtiofsd_system)
  printf '%s' "${path:-$(virtiofsd_cached)}"
}

# virtiofsd_fetch WORK LOG: leaves the packages in WORK/packages, prints the daemon's version.
# apt runs with a state of its own below WORK, in which nothing is installed: what it picks does not
# depend on this machine. A frozen or slow mirror serves a release past its valid-until date; the
# signature is checked all the same.
virtiofsd_fetch() {
  local work=$1 log=$2 suite package
  local -a apt
  apt=(apt-get -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources.d"
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o "Dir::State::lists=$work/lists" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache"
    -o APT::Sandbox::User= -o Acquire::Languages=none -o Acquire::Retries=3 -o Acquire::http::Timeout=30
    -o Acquire::Check-Valid-Until=false)
  mkdir -p "$work/sources.d" "$work/lists/partial" "$work/cache/archives/partial"
  : >"$work/status"
  for suite in $(virtiofsd_suites); do
    deb822_source deb "$suite" >"$work/sources.d/binary.sources" || return 1
    run_logged "$log" "${apt[@]}" update || continue
    rm -rf "$work/packages"
    mkdir "$work/packages"
    (cd "$work/packages" && run_logged "$log" "${apt[@]}" download "${VIRTIOFSD_PACKAGES[@]}") || continue
    package=$(find "$work/packages" -name 'virtiofsd_*.deb')
    dpkg-deb --field "$package" Version && return 0
  done
  return 1
}

# virtiofsd_unpack WORK VERSION LOG: puts a copy together and publishes it by a rename, if it runs.
virtiofsd_unpack() {
  local work=$1 log=$3 stage=$1/stage place=$BLEND_CACHE/virtiofsd/${2//[^[:alnum:].+~-]/_} package
  mkdir -p "$stage/root"
  for package in "$work"/packages/*.deb; do
    run_logged "$log" dpkg-deb --extract "$package" "$stage/root" || return 1
  done
  rm -rf "$stage/root/usr/share" "$stage/root/etc" "$stage/root/var"   # nothing that it runs with
  cat >"$stage/virtiofsd" <<'SCRIPT'
#!/bin/sh
# Runs the daemon by the loader and the libraries that were unpacked beside it.
root=$(dirname "$(readlink -f "$0")")/root
exec "$root/usr/lib64/ld-linux-x86-64.so.2" --inhibit-cache --library-path "$root/usr/lib/x86_64-linux-gnu" \
  "$root/usr/libexec/virtiofsd" "$@"
SCRIPT
  chmod 755 "$stage" "$stage/virtiofsd"
  printf '%s\n' "$VIRTIOFSD_RECIPE" >"$stage/recipe"
  run_logged "$log" "$stage/virtiofsd" --version || return 1
  rm -rf "$place.old"
  if [[ -d $place ]]; then mv "$place" "$place.old"; fi
  mv "$stage" "$place"
  rm -rf "$place.old"
}

# virtiofsd_ensure LOG: 0 when one is ready, 1 when the project has to do without.
virtiofsd_ensure() {
  local log=$1 work version status=1
  virtiofsd_ready && return 0
  rm -rf "$BLEND_CACHE"/virtiofsd/.work.*   # of a call that was killed; setup/install lets one in at a time
  mkdir -p "$BLEND_CACHE/virtiofsd"
  work=$(mktemp -d "$BLEND_CACHE/virtiofsd/.work.XXXXXX")
  if version=$(virtiofsd_fetch "$work" "$log") && virtiofsd_unpack "$work" "$version" "$log"; then
    status=0
  fi
  rm -rf "$work"
  return "$status"
}
