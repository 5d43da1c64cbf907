# SPDX-License-Identifier: MIT
"""The power of a guest is cut while it works on a blended root, and it boots again from the same disks.

The guest changes files of its system image and makes new ones, makes each change durable with fsync, and then says so on
its serial console: what the console's file holds was on the disk before. Killing QEMU loses the guest's page cache
and whatever its disk driver had not handed over; what QEMU had written stays in the host's cache, so this is a
power cut of the guest, not of the host. (unionfs/tests/mount/durability.py cuts a disk with a volatile cache.)
"""
import hashlib
import random
import re
import shutil
import subprocess
import time

import support
import test_guests

LOAD_DIR = "/var/lib/load"  # on the root, not below /home, which a coarse layout would keep as well
MIN_STEPS, MAX_STEPS = 16, 45  # reported before the cut; the load has about 400

# Each step is one change, made durable, then reported. `sync FILE` is fsync of that file or directory.
LOAD = r"""
mkdir -p LOAD_DIR && cd LOAD_DIR || exit 1
exec 3>/dev/ttyS0
find /usr/share/zoneinfo /usr/share/common-licenses /usr/share/locale -type f | sort >list
n=0
(while :; do n=$((n + 1)); echo "unsynced $n" >>noise; echo "$n" >noise.new; mv noise.new "noise$((n % 50))"; done) &
while read -r file; do
  n=$((n + 1))
  case $((n % 6)) in
    0) echo "more $n" >>"$file" && sync "$file" && echo "load: appended $n $file" >&3 ;;
    1) chmod 0604 "$file" && sync "$file" && echo "load: chmod $n $file" >&3 ;;
    2) rm "$file" && sync "${file%/*}" && echo "load: removed $n $file" >&3 ;;
    3) mv "$file" "moved$n" && sync . "${file%/*}" "moved$n" && echo "load: moved $n $file" >&3 ;;
    4) seq 1 $((n * 37 % 5000 + 1)) >new.tmp && sync new.tmp && mv new.tmp "new$n" && sync . &&
       echo "load: made $n $(cksum <"new$n")" >&3 ;;
    5) ln "$file" "link$n" && echo "linked $n" >>"$file" && sync "$file" . && echo "load: linked $n $file" >&3 ;;
  esac
  if [ $n = 9 ]; then echo "end" >>/usr/share/blend/data.bin && sync /usr/share/blend/data.bin && echo "load: big $n -" >&3; fi
  if [ $n = 15 ]; then mv /usr/share/pixmaps pixmaps && sync . /usr/share && echo "load: directory $n -" >&3; fi
done <list
"""

# What has to hold of each report. $1 is the number, $2 the rest.
CHECKS = r"""
cd LOAD_DIR || exit 1
old=/run/blend/system
bad() { echo "BAD $1 $2 $3"; }
# The old content, then what was appended.
grown() { size=$(stat -c %s "$1"); head -c "$size" "$2" | cmp -s - "$1" && [ "$(tail -c +$((size + 1)) "$2")" = "$3" ]; }
appended() { grown "$old$2" "$2" "more $1" || bad appended "$@"; }
chmod_() { [ "$(stat -c %a "$2")" = 604 ] && cmp -s "$old$2" "$2" || bad chmod "$@"; }
removed() { [ ! -e "$2" ] && ! ls "${2%/*}" | grep -qx "${2##*/}" || bad removed "$@"; }
moved() { [ ! -e "$2" ] && cmp -s "$old$2" "moved$1" || bad moved "$@"; }
made() { [ "$(cksum <"new$1")" = "$2" ] || bad made "$@"; }
linked() { [ "$2" -ef "link$1" ] && grown "$old$2" "$2" "linked $1" && [ "$(stat -c %h "$2")" = 2 ] || bad linked "$@"; }
big() { grown $old/usr/share/blend/data.bin /usr/share/blend/data.bin end || bad big "$@"; }
directory() { [ ! -e /usr/share/pixmaps ] && [ -d pixmaps ] &&
  [ "$(ls pixmaps)" = "$(ls $old/usr/share/pixmaps)" ] || bad directory "$@"; }
"""

# Files of the system image that are not what they were; in one process each, for emulated guests.
CHANGED = "".join("diff -rq --no-dereference /run/blend/system/usr/share/%s /usr/share/%s | grep differ\n" % (part, part)
                  for part in ("zoneinfo", "common-licenses", "locale"))


def digest(path):
    total = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            total.update(block)
    return total.hexdigest()


class PowerCut(test_guests.GuestTest):
    def reports(self, running):
        return re.findall(r"^load: (\w+) (\d+) (.*?)\r?$", running.console(), re.M)

    def wait_for_reports(self, running, count):
        deadline = time.monotonic() + 120
        while len(self.reports(running)) < count:
            self.assertLess(time.monotonic(), deadline, "the load is too slow: " + running.console()[-2000:])
            time.sleep(0.02)

    def replayed(self, disks):
        """The user image as e2fsck finds it after the journal's replay, checked on a copy."""
        user = next(path for serial, path, _ in disks if serial == "user")
        copy = self.folder / "replayed.ext4"
        subprocess.run(["cp", "--sparse=always", str(user), str(copy)], check=True)
        subprocess.run(["e2fsck", "-E", "journal_only", "-fy", str(copy)], env=support.SBIN, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        clean, said = support.fsck(copy)
        copy.unlink()
        return clean, said

    def check_unreported(self, running, checks, reports, said):
        """A change under way at the cut is there or not: the old content is there in either case."""
        changed = re.findall(r"^Files \S+ and (\S+) differ$", self.succeed(running, CHANGED + "true"), re.M)
        grown = {rest for kind, _, rest in reports if kind in ("appended", "linked")}
        self.assertLessEqual(grown, set(changed), said)
        for path in set(changed) - grown:
            old = "/run/blend/system" + path
            self.succeed(running, checks + 'size=$(stat -c %%s "%s"); head -c "$size" "%s" | cmp - "%s"' % (old, path, old))
        self.assertLessEqual(len(set(changed) - grown), 1, said)

    def check(self, engine, options=""):
        self.need(engine)
        disks, command_line = self.layout("fine", engine, options)
        system = next(path for serial, path, _ in disks if serial == "system")
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        with self.guest(disks, command_line, "first") as running:
            running.wait_for("R")
            running.start(LOAD.replace("LOAD_DIR", LOAD_DIR))
            self.wait_for_reports(running, chance.randint(MIN_STEPS, MAX_STEPS))
            time.sleep(chance.uniform(0, 0.5))
            running.cut_power()
            reports = self.reports(running)
        clean, said = self.replayed(disks)
        self.assertTrue(clean, said)
        with self.guest(disks, command_line, "second") as running:
            running.wait_for("R")
            self.assertEqual(self.succeed(running, "systemctl --failed --no-legend --plain"), "")
            said = "seed %d, %d reports, the last: %s" % (seed, len(reports), reports[-3:])
            checks = CHECKS.replace("LOAD_DIR", LOAD_DIR)
            script = "".join("%s %s '%s'\n" % ({"chmod": "chmod_"}.get(kind, kind), number, rest)
                             for kind, number, rest in reports)
            self.assertEqual(self.succeed(running, checks + script + "echo checked\n"), "checked\n", said)
            self.check_unreported(running, checks, reports, said)
            running.power_off()
        self.assert_clean(disks)
        self.assertEqual(digest(system), support.manifest(self.images)["files"]["system"]["sha256"])
        shutil.rmtree(self.folder / "images")

    def test_blendfs(self):
        self.check("blendfs")

    def test_overlayfs(self):
        """The same test over the kernel's union: what it asks for is not more than that gives."""
        self.check("overlayfs")
