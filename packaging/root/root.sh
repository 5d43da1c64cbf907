# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# Puts a root together from a system image, app images and a user image, as the kernel command line says. For the
# boot script of initramfs-tools and the dracut module, which differ only in how they give up.
#
# POSIX sh: dash, busybox and bash read it. Nothing here ends the shell: a function that fails leaves one line in
# $blendfs_problem, and may be called again once somebody has mended what was wrong. Nothing waits without a limit.

: "${BLENDFS_PLACE:=/run/blendfs}"
: "${BLENDFS_PROGRAMS:=/usr/lib/blendfs}"
# By its path: some builds of busybox take an applet of their own before what is on PATH, and theirs knows less.
: "${BLENDFS_BLKID:=/sbin/blkid}"
: "${BLENDFS_USER_ENTRIES:=upper work lost+found}"

blendfs_fail() {
  blendfs_problem=$*
  return 1
}

# Both the console, for who watches, and the kernel's log, for who reads it later.
blendfs_say() {
  echo "blendfs: $*" >/dev/console
  echo "<5>blendfs: $*" >/dev/kmsg
} 2>/dev/null

# blendfs_read_parameters LINE: takes the kernel command line apart.
blendfs_read_parameters() {
  blendfs_system='' blendfs_app='' blendfs_user='' blendfs_opts='' blendfs_reset='' blendfs_readonly=''
  blendfs_wait=30 blendfs_problem=''
  case $- in
    *f*) blendfs_restore='' ;;
    *) blendfs_restore='set +f' ;;
  esac
  set -f
  for blendfs_word in $1; do
    blendfs_value=${blendfs_word#*=}
    case $blendfs_word in
      blendfs.system=*) blendfs_system=$blendfs_value ;;
      blendfs.app=*) blendfs_app=$blendfs_value ;;
      blendfs.user=*) blendfs_user=$blendfs_value ;;
      blendfs.opts=*) blendfs_opts=$blendfs_value ;;
      blendfs.reset | blendfs.reset=*) blendfs_switch blendfs_reset "$blendfs_word" ;;
      blendfs.readonly | blendfs.readonly=*) blendfs_switch blendfs_readonly "$blendfs_word" ;;
      blendfs.*) blendfs_problem="unknown parameter $blendfs_word" ;;
      rootdelay=[1-9]*)
        case $blendfs_value in
          *[!0-9]*) ;;
          *) blendfs_wait=$blendfs_value ;;
        esac
        ;;
    esac
  done
  $blendfs_restore
  [ -z "$blendfs_problem" ]
}

# blendfs_switch VARIABLE WORD: name alone, or name=yes or no in their usual spellings.
blendfs_switch() {
  case ${2#"${2%%=*}"} in
    '' | =1 | =yes | =on | =true) eval "$1=1" ;;
    =0 | =no | =off | =false) eval "$1=" ;;
    *) blendfs_fail "$2: use ${2%%=*} alone, or with =yes or =no" ;;
  esac
}

# blendfs_for_each COMMAND: COMMAND NAME WHERE for each image: the apps from the top, the system, the user's.
blendfs_for_each() {
  blendfs_rest=$blendfs_app
  blendfs_number=0
  while [ -n "$blendfs_rest" ]; do
    blendfs_one=${blendfs_rest%%,*}
    case $blendfs_rest in
      *,*) blendfs_rest=${blendfs_rest#*,} ;;
      *) blendfs_rest='' ;;
    esac
    "$1" "app$blendfs_number" "$blendfs_one" || return 1
    blendfs_number=$((blendfs_number + 1))
  done
  "$1" system "$blendfs_system" || return 1
  [ -n "$blendfs_readonly" ] || "$1" user "$blendfs_user"
}

blendfs_check_place() {
  case $2 in
    *\"* | *\'*) blendfs_fail "the $1 image $2: quotes are not understood; name it by UUID=" ;;
    LABEL=?* | UUID=?* | PARTLABEL=?* | PARTUUID=?* | /dev/?*) ;;
    *) blendfs_fail "the $1 image is '$2'; use LABEL=, UUID=, PARTLABEL=, PARTUUID= or a path below /dev" ;;
  esac
}

# Whether what was read makes sense, before any device is looked for.
blendfs_check_parameters() {
  [ -z "$blendfs_problem" ] || return 1
  if [ -n "$blendfs_readonly" ]; then
    [ -z "$blendfs_reset" ] || blendfs_fail "blendfs.reset needs a user image, and blendfs.readonly takes none" || return 1
  elif [ -z "$blendfs_user" ]; then
    blendfs_fail "blendfs.user= is missing; name the user image, or add blendfs.readonly"
    return 1
  fi
  blendfs_for_each blendfs_check_place
}

# blendfs_find WHERE: sets $blendfs_device, to nothing while there is none. Fails where the name is not clear.
blendfs_find() {
  blendfs_device=''
  case $1 in
    /*)
      if [ -b "$1" ]; then blendfs_device=$1; fi
      return 0
      ;;
  esac
  # Without a cache: devices come and go here.
  blendfs_found=$("$BLENDFS_BLKID" -c /dev/null -t "$1" -o device 2>/dev/null) || return 0
  # shellcheck disable=SC2086  # split at blanks: names of devices have none
  set -- "$1" $blendfs_found
  case $# in
    1) ;;
    2) blendfs_device=$2 ;;
    *)
      blendfs_found=$1
      shift
      blendfs_fail "$blendfs_found is on several devices: $*; name one by UUID= or by its path"
      ;;
  esac
}

blendfs_uptime() {
  read -r blendfs_now _ </proc/uptime
  blendfs_now=${blendfs_now%%.*}
}

# blendfs_wait_for NAME WHERE: until $blendfs_give_up, seconds since the start of the machine.
blendfs_wait_for() {
  while :; do
    blendfs_find "$2" || return 1
    [ -z "$blendfs_device" ] || return 0
    blendfs_uptime
    if [ "$blendfs_now" -ge "$blendfs_give_up" ]; then
      blendfs_fail "the $1 image $2 did not appear within $blendfs_wait s (rootdelay= on the kernel command line)"
      return 1
    fi
    sleep 0.2 2>/dev/null || sleep 1
  done
}

blendfs_is_mounted() {
  while read -r _ blendfs_at _; do
    if [ "$blendfs_at" = "$1" ]; then return 0; fi
  done </proc/mounts
  return 1
}

# blendfs_attach NAME WHERE: waits for an image, mounts it below $BLENDFS_PLACE and adds it to $blendfs_lowers.
blendfs_attach() {
  blendfs_dir=$BLENDFS_PLACE/$1
  blendfs_mode=ro
  if [ "$1" = user ]; then
    blendfs_mode=rw
  else
    blendfs_lowers=$blendfs_lowers${blendfs_lowers:+:}$blendfs_dir
  fi
  if blendfs_is_mounted "$blendfs_dir"; then return 0; fi
  blendfs_wait_for "$1" "$2" || return 1
  blendfs_type=$("$BLENDFS_BLKID" -c /dev/null -o value -s TYPE "$blendfs_device" 2>/dev/null)
  if [ -z "$blendfs_type" ]; then
    blendfs_fail "the $1 image $2 ($blendfs_device) has no file system that is known"
    return 1
  fi
  case $blendfs_type:$blendfs_mode in
    erofs:rw | squashfs:rw | iso9660:rw)
      blendfs_fail "the user image $2 ($blendfs_device) is of type $blendfs_type, which cannot be written to; use an ext4"
      return 1
      ;;
  esac
  modprobe -q "$blendfs_type" 2>/dev/null
  mkdir -p "$blendfs_dir"
  mount -t "$blendfs_type" -o "$blendfs_mode,noatime" "$blendfs_device" "$blendfs_dir" 2>"$BLENDFS_PLACE/log" ||
    blendfs_fail "cannot mount the $1 image $2 ($blendfs_device, $blendfs_type): $(cat "$BLENDFS_PLACE/log")"
}

# blendfs_foreign DIR: sets $blendfs_found to an entry that no user image has; an empty one has none.
blendfs_foreign() {
  blendfs_found=''
  for blendfs_entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    [ -e "$blendfs_entry" ] || [ -L "$blendfs_entry" ] || continue
    case ${blendfs_entry##*/} in
      upper.reset-* | work.reset-*) ;;
      *)
        case " $BLENDFS_USER_ENTRIES " in
          *" ${blendfs_entry##*/} "*) ;;
          *) blendfs_found=${blendfs_entry##*/} ;;
        esac
        ;;
    esac
  done
}

# blendfs_undo_reset DIR: a reset moves work/ first. One that was cut off there is taken back: upper/ is whole.
blendfs_undo_reset() {
  [ ! -e "$1/work" ] || return 0
  for blendfs_entry in "$1"/work.reset-*; do
    [ -d "$blendfs_entry" ] || continue
    if [ ! -e "$1/upper.reset-${blendfs_entry##*/work.reset-}" ] && [ -d "$1/upper" ]; then
      mv "$blendfs_entry" "$1/work"
      return 0
    fi
  done
}

# blendfs_prepare_user DIR: an empty user image gets its folders; what is no user image is left alone.
blendfs_prepare_user() {
  blendfs_undo_reset "$1"
  if [ ! -d "$1/upper" ]; then
    blendfs_foreign "$1"
    if [ -n "$blendfs_found" ]; then
      blendfs_fail "the user image $blendfs_user has no upper/, but holds '$blendfs_found': it is no user image"
      return 1
    fi
  fi
  for blendfs_entry in upper work; do
    [ -d "$1/$blendfs_entry" ] || { mkdir "$1/$blendfs_entry" && chmod 0755 "$1/$blendfs_entry"; } ||
      blendfs_fail "cannot make $blendfs_entry/ in the user image $blendfs_user" || return 1
  done
}

# blendfs_reset_user DIR: the user's changes are put aside, never removed, and new ones begin.
blendfs_reset_user() {
  [ -d "$1/upper" ] || return 0
  blendfs_stamp=$(date +%Y%m%d-%H%M%S) || blendfs_stamp=now
  # A machine without a clock says the same time at each start.
  blendfs_number=1
  blendfs_suffix=$blendfs_stamp
  while [ -e "$1/upper.reset-$blendfs_suffix" ] || [ -e "$1/work.reset-$blendfs_suffix" ]; do
    blendfs_number=$((blendfs_number + 1))
    blendfs_suffix=$blendfs_stamp-$blendfs_number
  done
  if [ -d "$1/work" ]; then mv "$1/work" "$1/work.reset-$blendfs_suffix"; fi &&
    mv "$1/upper" "$1/upper.reset-$blendfs_suffix" ||
    blendfs_fail "cannot reset the user image $blendfs_user: it stays as it was" || return 1
  sync
  blendfs_say "blendfs.reset: the user's changes are now upper.reset-$blendfs_suffix and work.reset-$blendfs_suffix in $blendfs_user"
  blendfs_say "to bring them back: move upper/ and work/ there out of the way and rename these two to upper and work, then start without blendfs.reset"
}

# blendfs_start TARGET: the daemon, under a name that begins with '@': systemd then spares it when it ends all
# processes. It is found by PATH, since no shell but some has a way to give a program another name.
blendfs_start() {
  blendfs_words=noatime,lowerdir=$blendfs_lowers
  if [ -z "$blendfs_readonly" ]; then
    blendfs_words=$blendfs_words,upperdir=$BLENDFS_PLACE/user/upper,workdir=$BLENDFS_PLACE/user/work
  fi
  (
    PATH=$BLENDFS_PROGRAMS:$PATH
    exec @blendfs -o "$blendfs_words${blendfs_opts:+,$blendfs_opts}" "$1"
  ) >"$BLENDFS_PLACE/log" 2>&1 || blendfs_fail "cannot mount the root: $(cat "$BLENDFS_PLACE/log")"
}

# What systemd finds when it has nothing left to end: it goes back to /run/initramfs and lets the program there
# unmount the root, which is possible only from outside. Its own attempt at the images would fail, and say so.
blendfs_prepare_shutdown() {
  mkdir -p /run/initramfs /run/systemd/system/run-blendfs-.mount.d
  while read -r _ blendfs_at _ blendfs_words _; do
    # Nothing in a /run that is mounted noexec can be started.
    case "$blendfs_at,$blendfs_words," in
      /run,*,noexec,*) mount -t tmpfs -o mode=0755,nosuid,nodev,size=16m tmpfs /run/initramfs ;;
    esac
  done </proc/mounts
  cp "$BLENDFS_PROGRAMS/shutdown" /run/initramfs/shutdown && chmod 0755 /run/initramfs/shutdown ||
    blendfs_say "warning: cannot prepare the shutdown; the user image will be recovered at the next start"
  printf '[Unit]\nDefaultDependencies=no\n' >/run/systemd/system/run-blendfs-.mount.d/50-blendfs.conf
}

# blendfs_assemble LINE TARGET: everything. After a failure that somebody has mended it goes on where it was.
blendfs_assemble() {
  blendfs_read_parameters "$1" && blendfs_check_parameters || return 1
  mkdir -p "$BLENDFS_PLACE"
  modprobe -q fuse 2>/dev/null
  blendfs_uptime
  blendfs_give_up=$((blendfs_now + blendfs_wait))
  blendfs_lowers=''
  blendfs_for_each blendfs_attach || return 1
  if [ -z "$blendfs_readonly" ]; then
    blendfs_undo_reset "$BLENDFS_PLACE/user"
    # Once: this may be the second attempt of one start.
    if [ -n "$blendfs_reset" ] && [ -z "${blendfs_was_reset:-}" ]; then
      blendfs_reset_user "$BLENDFS_PLACE/user" || return 1
      blendfs_was_reset=1
    fi
    blendfs_prepare_user "$BLENDFS_PLACE/user" || return 1
  fi
  blendfs_start "$2" || return 1
  blendfs_prepare_shutdown
}

# blendfs_explain: what is wrong, what there is, on the console and in the log.
blendfs_explain() {
  blendfs_say "cannot put the root together: $blendfs_problem"
  blendfs_say "looked for: system=$blendfs_system app=$blendfs_app user=$blendfs_user; the block devices are:"
  for blendfs_entry in /sys/class/block/*; do
    blendfs_size=0
    if [ -r "$blendfs_entry/size" ]; then read -r blendfs_size <"$blendfs_entry/size"; fi
    # Neither loop devices without a file nor memory disks.
    case $blendfs_size:$blendfs_entry in
      0:* | *:*/ram[0-9]*) continue ;;
    esac
    blendfs_found=$("$BLENDFS_BLKID" -c /dev/null "/dev/${blendfs_entry##*/}" 2>/dev/null)
    blendfs_say "  ${blendfs_found:-/dev/${blendfs_entry##*/}: nothing known on it} ($((blendfs_size / 2048)) MiB)"
  done
}
