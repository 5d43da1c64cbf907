# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# A libfuse that is new enough: the system's, or one built from the source package of a later
# release of the same distribution into $BLEND_CACHE/libfuse/VERSION, static and shared.
# apt checks the package against the archive's signature; nothing is installed system-wide and
# the machine's apt sources stay as they are (a configuration and lists of their own).

# A change of how libfuse is built; a copy of another recipe is built anew.
LIBFUSE_RECIPE=1

# libfuse_system_version: of the headers installed system-wide, empty where there are none.
libfuse_system_version() { env -u PKG_CONFIG_PATH pkg-config --modversion fuse3 2>/dev/null || true; }

# libfuse_built_version: the newest complete copy in the cache, empty where there is none.
libfuse_built_version() {
  local dir
  for dir in "$BLEND_CACHE"/libfuse/*/; do
    [[ $(cat "$dir/recipe" 2>/dev/null) == "$LIBFUSE_RECIPE" ]] || continue
    [[ -e $dir/lib/libfuse3.a && -e $dir/lib/libfuse3.so ]] && basename "$dir"
  done | sort -V | tail -1
}

# libfuse_ready: whether one of them will do.
libfuse_ready() {
  local system built
  system=$(libfuse_system_version)
  [[ -n $system ]] && version_at_least "$system" "$BLEND_LIBFUSE_MINIMUM" && return 0
  built=$(libfuse_built_version)
  [[ -n $built ]] && version_at_least "$built" "$BLEND_LIBFUSE_MINIMUM"
}

# libfuse_chosen: for people, which one the build takes.
libfuse_chosen() {
  local system
  system=$(libfuse_system_version)
  if [[ -n $system ]] && version_at_least "$system" "$BLEND_LIBFUSE_MINIMUM"; then
    printf '%s of the system' "$system"
  else
    printf '%s in %s' "$(libfuse_built_version)" "$BLEND_CACHE/libfuse"
  fi
}

# libfuse_fetch WORK LOG: leaves the unpacked source in WORK/fuse3, prints its version.
# apt runs with sources, lists and caches of its own below WORK. A frozen or slow mirror serves a
# testing release past its valid-until date; the signature is checked all the same.
libfuse_fetch() {
  local work=$1 log=$2 suite version dsc
  local -a apt
  apt=(apt-get -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources.d"
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=
    -o Acquire::Retries=3 -o Acquire::http::Timeout=30
    -o Acquire::Check-Valid-Until=false)
  mkdir -p "$work/sources.d" "$work/lists/partial" "$work/cache/archives/partial"
  for suite in $(source_suites); do
    deb822_source deb-src "$suite" >"$work/sources.d/source.sources" || return 1
    run_logged "$log" "${apt[@]}" update || continue
    (cd "$work" && run_logged "$log" "${apt[@]}" source --only-source --download-only fuse3) || continue
    dsc=$(find "$work" -maxdepth 1 -name 'fuse3_*.dsc' | sort -V | tail -1)
    [[ -n $dsc ]] || continue
    version=$(sed -n 's/^Version: \([0-9]*:\)\{0,1\}\([0-9.]*\).*/\2/p' "$dsc" | head -1)
    version_at_least "$version" "$BLEND_LIBFUSE_MINIMUM" || continue
    run_logged "$log" dpkg-source --no-check -x "$dsc" "$work/fuse3" || continue
    printf '%s' "$version"
    return 0
  done
  return 1
}

# libfuse_build SOURCE VERSION LOG: configures, builds and publishes the copy by a rename.
# The helper programs stay out: an ordinary user mounts through the system's set-uid fusermount3,
# which libfuse looks for in PATH when it has none of its own.
libfuse_build() {
  local source=$1 version=$2 log=$3 prefix=$BLEND_CACHE/libfuse/$2 stage=$1/stage
  run_logged "$log" meson setup "$source/build" "$source" --prefix="$prefix" --libdir=lib \
    --default-library=both --buildtype=release --sysconfdir="$prefix/etc" -Dexamples=false \
    -Dtests=false -Dutils=false -Duseroot=false -Dudevrulesdir="$prefix/udev" -Dinitscriptdir= ||
    return 1
  run_logged "$log" ninja -C "$source/build" || return 1
  run_logged "$log" env DESTDIR="$stage" ninja -C "$source/build" install || return 1
  printf '%s\n' "$LIBFUSE_RECIPE" >"$stage$prefix/recipe"
  [[ $(PKG_CONFIG_PATH="$stage$prefix/lib/pkgconfig" pkg-config --modversion fuse3) == "$version"* ]] ||
    return 1
  rm -rf "$prefix.old"
  if [[ -d $prefix ]]; then mv "$prefix" "$prefix.old"; fi
  mv "$stage$prefix" "$prefix"
  rm -rf "$prefix.old"
}

# libfuse_ensure LOG: 0 when one is ready, 1 when the project has to do with the system's.
libfuse_ensure() {
  local log=$1 work version status=1
  libfuse_ready && return 0
  mkdir -p "$BLEND_CACHE/libfuse"
  work=$(mktemp -d "$BLEND_CACHE/libfuse/.build.XXXXXX")
  if version=$(libfuse_fetch "$work" "$log") && libfuse_build "$work/fuse3" "$version" "$log"; then
    status=0
  fi
  rm -rf "$work"
  return "$status"
}
