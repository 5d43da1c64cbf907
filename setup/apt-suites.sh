# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Other suites beside the machine's own: backports for a QEMU that is new enough, and a later
# release for the source package of libfuse. The mirror is the one that the machine's apt
# sources name, whatever their format, so that a private mirror or a proxy serves here too.

# release_field NAME: a field of os-release, empty where it has none.
release_field() {
  (
    # shellcheck source=/dev/null
    . /etc/os-release
    printf '%s' "${!1:-}"
  )
}

# main_mirror: the address of the archive that serves this release, without a final slash.
# apt's own view of its sources, so every format and every mirror is understood. A third party may
# use the release's name too; the archive's origin tells them apart once apt has its lists.
main_mirror() {
  local mirror
  mirror=$(apt-get indextargets --format '$(ORIGIN)|$(RELEASE)|$(COMPONENT)|$(REPO_URI)' \
    'Created-By: Packages' 2>/dev/null |
    awk -F'|' -v codename="$(release_field VERSION_CODENAME)" '
      $3 != "main" { next }
      ($1 == "Debian" || $1 == "Ubuntu") &&
        ($2 == codename || $2 ~ /^((old)*stable|testing)$/) && !best { best = $4 }
      $2 == codename && !guess { guess = $4 }
      END { print best ? best : guess }')
  [[ -n $mirror ]] && printf '%s' "${mirror%/}"
}

# archive_keyring: the distribution's own keys, empty where apt's defaults have to do.
archive_keyring() {
  local file
  for file in /usr/share/keyrings/debian-archive-keyring.gpg \
    /usr/share/keyrings/ubuntu-archive-keyring.gpg; do
    [[ $file == *"$(release_field ID)"* && -r $file ]] && printf '%s' "$file" && return 0
  done
  return 0
}

# deb822_source TYPES SUITE: an apt source on the machine's own mirror.
deb822_source() {
  local mirror keyring
  mirror=$(main_mirror) || return 1
  keyring=$(archive_keyring)
  printf 'Types: %s\nURIs: %s\nSuites: %s\nComponents: main\n' "$1" "$mirror" "$2"
  [[ -z $keyring ]] || printf 'Signed-By: %s\n' "$keyring"
}

# has_suite SUITE: whether the machine's apt sources already offer binaries of that suite.
has_suite() {
  apt-get indextargets --format '$(RELEASE)' 'Created-By: Packages' 2>/dev/null | grep -qxF "$1"
}

# add_backports: offers the release's backports to apt, pinned so low that nothing moves there by
# itself (not even for a package that the release lacks). Prints the suite's name.
add_backports() {
  local suite file=/etc/apt/sources.list.d/blendfs-backports.sources source
  suite=$(release_field VERSION_CODENAME)-backports
  if ! has_suite "$suite"; then
    source=$(deb822_source deb "$suite") || return 1
    { printf '# Added by setup/install of blendfs for a newer QEMU.\n%s\n' "$source"; } |
      as_root tee "$file" >/dev/null
    printf '%s\n' '# Added by setup/install of blendfs: only QEMU and its firmware are followed there.' \
      'Package: *' "Pin: release n=$suite" 'Pin-Priority: 50' '' \
      'Package: src:qemu src:seabios src:ipxe src:edk2' "Pin: release n=$suite" 'Pin-Priority: 500' |
      as_root tee /etc/apt/preferences.d/blendfs-backports >/dev/null
  fi
  printf '%s' "$suite"
}

# source_suites: releases whose libfuse source package is new enough, best first.
source_suites() {
  case $(release_field ID) in
    debian) printf '%s\n' forky trixie ;;
    ubuntu) printf '%s\n' resolute questing ;;
  esac
}
