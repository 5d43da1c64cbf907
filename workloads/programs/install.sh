#!/bin/sh
# SPDX-License-Identifier: MIT
# A package installed by dpkg, with dpkg's own fsyncs: into the system tree, or into a fresh one where there is
# none to be changed.
set -eu
verb=$1
dir=$2
package=$3/package.deb
system=${BLEND_SYSTEM:-$dir/root}
admin=${system%/}/var/lib/dpkg
fail() {
  echo "install: $*" >&2
  exit 1
}

case $verb in
  prepare)
    name=$(dpkg-deb --field "$package" Package)
    if [ ! -e "$admin/status" ]; then
      mkdir -p "$admin/info" "$admin/updates" "$admin/triggers" "${system%/}/var/log"
      : >"$admin/status"
      : >"$admin/available"
    fi
    if dpkg-query --admindir="$admin" --show "$name" >/dev/null 2>&1; then fail "$name is installed already"; fi
    cat "$package" >/dev/null # reading it is no part of the work
    ;;
  run)
    # Everything that is in the package, whatever this system leaves out otherwise.
    dpkg --root="$system" --log="${system%/}/var/log/dpkg.log" --force-depends --path-include='/*' \
      --install "$package" >/dev/null
    ;;
  check)
    name=$(dpkg-deb --field "$package" Package)
    # shellcheck disable=SC2016 # dpkg's own variable
    status=$(dpkg-query --admindir="$admin" --show --showformat='${db:Status-Status}' "$name" 2>/dev/null) ||
      fail "dpkg does not know $name"
    [ "$status" = installed ] || fail "dpkg calls $name $status"
    dpkg-deb --fsys-tarfile "$package" >"$dir/package.tar"
    # Folders that others have put something into have other times.
    tar tf "$dir/package.tar" | grep -v '/$' >"$dir/members"
    tar --compare -f "$dir/package.tar" -C "$system" -T "$dir/members" >"$dir/differs" 2>&1 ||
      fail "$(tail -n 1 "$dir/differs")"
    dpkg-query --admindir="$admin" --listfiles "$name" >"$dir/listed" 2>/dev/null || :
    if sed 's|^\./|/|' "$dir/members" | grep -vxF -f "$dir/listed" >"$dir/differs"; then
      fail "dpkg does not list $(tail -n 1 "$dir/differs")"
    fi
    dpkg --root="$system" --verify "$name" >"$dir/differs" 2>&1 ||
      fail "dpkg --verify: $(tail -n 1 "$dir/differs")"
    [ ! -s "$dir/differs" ] || fail "dpkg --verify: $(tail -n 1 "$dir/differs")"
    echo "$name, $(wc -l <"$dir/members") files"
    ;;
  *) fail "there is no verb $verb" ;;
esac
