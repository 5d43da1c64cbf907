# SPDX-License-Identifier: MIT
"""A stock guest whose root is put together from images: making the images, booting it, looking at them afterwards.

The system image is a release's tree as it is, without any package of ours; the initramfs comes from a room in which the
packages are installed, made by the distribution's own tools. What counts starts comes with an app image.
"""
import dataclasses
import pathlib
import re
import shutil
import subprocess
import time

import support

TOOLS = ("initramfs-tools", "dracut")
APP_MIB, USER_MIB = 64, 256
BOOT_SECONDS = 400

COUNT = """#!/bin/sh
# Counts this start on the root, and tells the console what it sees there.
folder=/var/lib/cycles
count=0
mkdir -p "$folder"
if [ -e "$folder/count" ]; then read -r count <"$folder/count"; fi
count=$((count + 1))
if ! { echo "$count" >"$folder/count.new" && mv "$folder/count.new" "$folder/count"; } 2>/dev/null; then count=readonly; fi
echo "cycles: count=$count root=$(findmnt -no FSTYPE /) unit=$(systemctl is-active mnt-blend.mount)" \\
  "who=$(cat /mnt/blend/who) layer=$(cat /usr/share/cycles/layer)" \\
  "failed=$(systemctl list-units --failed --plain --no-legend | cut -d ' ' -f 1 | tr '\\n' ,)" >/dev/console
"""
END = """#!/bin/sh
# As the kernel command line says: cycles.end=poweroff or reboot.
read -r line </proc/cmdline
verb=${line#*cycles.end=}
exec systemctl --no-block "${verb%% *}"
"""
COUNT_UNIT = """[Unit]
Description=Counts this start
After=mnt-blend.mount

[Service]
Type=oneshot
ExecStart=/usr/lib/cycles/count
"""
END_UNIT = """[Unit]
Description=Ends this start
After=multi-user.target cycles-count.service

[Service]
Type=oneshot
ExecStart=/usr/lib/cycles/end
"""
MOUNT_UNIT = """[Unit]
Description=A union in the union

[Mount]
What=blendfs
Where=/mnt/blend
Type=fuse.blendfs
Options=lowerdir=/usr/share/cycles/top:/usr/share/cycles/low
"""


class MachineError(Exception):
    """A guest did not do what it was started for; the text holds the end of its console."""


@dataclasses.dataclass
class Images:
    """The disks of one guest, and what it is started with."""

    folder: pathlib.Path
    kernel: pathlib.Path
    initramfs: pathlib.Path
    system: pathlib.Path

    @property
    def user(self):
        return self.folder / "user.ext4"

    def disks(self):
        return [(self.system, True), (self.folder / "low.ext4", True), (self.folder / "top.ext4", True), (self.user, False)]


def initramfs(tool, log=print):
    """An initramfs with the packages, made by `tool` in a room of trixie; kept by the digest of all that is in it."""
    tree = support.tree("trixie")
    debs = [support.packages()[name] for name in ("blendfs", "blendfs-initramfs")]
    key = support.cache.digest(tool, tree.name, support.cache.file_digests(*debs))
    with support.store() as kept:
        found = kept.lookup(tool, key)
        if found is not None:
            return found / "initramfs.img"
        log(f"making an initramfs by {tool}")
        with kept.making(tool, key) as scratch, support.Room(tree / "root") as room:
            room.install(debs)
            version = support.newest_kernel(tree / "root").name.removeprefix("vmlinuz-")
            made = f"/boot/initrd.img-{version}"
            if tool == "dracut":
                made = "/tmp/initramfs.img"
                room.succeed("dracut", "--no-hostonly", "--force", made, version, seconds=900)
            shutil.copy(room.path(made), scratch / "initramfs.img")
        return kept.lookup(tool, key) / "initramfs.img"


def _app_tree(folder):
    """What the upper of the two apps holds: units, and the programs of the package blendfs."""
    folder.mkdir(parents=True)
    subprocess.run(["dpkg-deb", "--extract", str(support.packages()["blendfs"]), str(folder)], check=True)
    units = folder / "etc/systemd/system"
    wants = units / "multi-user.target.wants"
    wants.mkdir(parents=True)
    for name, text in (("cycles-count.service", COUNT_UNIT), ("cycles-end.service", END_UNIT), ("mnt-blend.mount", MOUNT_UNIT)):
        (units / name).write_text(text)
        (wants / name).symlink_to(f"../{name}")
    programs = folder / "usr/lib/cycles"
    programs.mkdir(parents=True)
    for name, text in (("count", COUNT), ("end", END)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (folder / "mnt/blend").mkdir(parents=True)
    data = folder / "usr/share/cycles"
    for name in ("top", "low"):
        (data / name).mkdir(parents=True)
        (data / name / "who").write_text(f"{name}\n")
    (data / "layer").write_text("top\n")


def make_ext4(path, label, mib, tree=None):
    path.unlink(missing_ok=True)
    with open(path, "wb") as image:
        image.truncate(mib << 20)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-L", label, *(["-d", str(tree)] if tree else []), str(path)], check=True)
    return path


def images(folder, tool, log=print):
    """Fresh images below `folder`, and the initramfs of `tool`. The user image is empty: the first start fills it."""
    support.need_programs("qemu-system-x86_64", "mke2fs", "debugfs", "e2fsck")
    folder = pathlib.Path(folder)
    tree = support.tree("trixie")
    made = Images(folder, tree / "vmlinuz", initramfs(tool, log), tree / "system.erofs")
    staged = folder / "stage"
    _app_tree(staged / "top")
    (staged / "low/usr/share/cycles").mkdir(parents=True)
    (staged / "low/usr/share/cycles/layer").write_text("low\n")
    for name in ("top", "low"):
        make_ext4(folder / f"{name}.ext4", name, APP_MIB, staged / name)
    shutil.rmtree(staged)
    make_ext4(made.user, "user", USER_MIB)
    return made


def command_line(options="", end="poweroff", user="LABEL=user"):
    return (f"console=ttyS0 quiet panic=-1 no_timer_check systemd.firstboot=no blendfs.system=UUID={support.SYSTEM_UUID} "
            f"blendfs.app=LABEL=top,LABEL=low blendfs.user={user} {options} cycles.end={end} ").replace("  ", " ")


def start(made, line, seconds=BOOT_SECONDS, until=None):
    """Runs a guest to its end, or until the pattern `until` is on its console; returns the console and the seconds."""
    console = made.folder / "console.log"
    console.unlink(missing_ok=True)
    argv = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max,la57=off", "-smp", "1", "-m", "1024",
            "-machine", "q35,hpet=off,vmport=off,smm=off,usb=off,sata=off,graphics=off",
            "-kernel", str(made.kernel), "-initrd", str(made.initramfs), "-append", line.strip(),
            "-chardev", f"file,id=console,path={console}", "-serial", "chardev:console"]
    for number, (path, readonly) in enumerate(made.disks()):
        argv += ["-drive", f"if=none,id=d{number},format=raw,file={path},readonly={'on' if readonly else 'off'}",
                 "-device", f"virtio-blk-pci,drive=d{number}"]
    began = time.monotonic()
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        while process.poll() is None:
            time.sleep(0.2)
            if until is not None and re.search(until, _read(console)):
                return _read(console), time.monotonic() - began
            if time.monotonic() - began > seconds:
                raise MachineError(f"still running after {seconds} s\n{_end_of(_read(console))}")
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        said = process.stdout.read().decode(errors="replace")
        process.stdout.close()
    if process.returncode != 0:
        raise MachineError(f"QEMU ended with {process.returncode}: {said}\n{_end_of(_read(console))}")
    return _read(console), time.monotonic() - began


def _read(path):
    return path.read_text(errors="replace") if path.exists() else ""


def _end_of(text):
    return "\n".join(text.splitlines()[-40:])


def facts(console):
    """What the guest told of itself: name to value. Fails where it told nothing."""
    found = re.search(r"cycles: (count=.*)", console)
    if found is None:
        raise MachineError(f"the guest never counted its start\n{_end_of(console)}")
    return dict(word.split("=", 1) for word in found[1].split())


def complaints(console):
    """Lines that no start and no end should bring."""
    return [line for line in console.splitlines()
            if re.search(r"still mounted|does not answer|[Ff]ailed unmounting|segfault|BUG:|Call Trace|blendfs: cannot|warning: cannot", line)]


def debugfs(image, command):
    done = subprocess.run(["debugfs", "-R", command, str(image)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode(errors="replace")


def names(image, path):
    """The entries of a directory in an image."""
    fields = [line.split("/") for line in debugfs(image, f"ls -p {path}").splitlines()]
    return sorted(field[5] for field in fields if len(field) > 5 and field[5] not in (".", "..", ""))


def unclean(image):
    """What e2fsck finds in an image that nobody may have left dirty; empty when nothing."""
    done = subprocess.run(["e2fsck", "-fn", str(image)], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    header = subprocess.run(["dumpe2fs", "-h", str(image)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    said = done.stdout.decode(errors="replace")
    if b"needs_recovery" in header:
        return f"the journal waits for recovery: it was not unmounted\n{said}"
    return said if done.returncode != 0 else ""


def cycle(made, number, end, log=print):
    """One start and one end, and everything that must hold after it. `number` is the count it must bring."""
    console, seconds = start(made, command_line(end=end))
    told = facts(console)
    expected = {"count": str(number), "root": "fuse.blendfs", "unit": "active", "who": "top", "layer": "top", "failed": ""}
    problems = [f"{name} is {told.get(name)!r}, not {value!r}" for name, value in expected.items() if told.get(name) != value]
    problems += complaints(console)
    problems += [unclean(made.user)] if unclean(made.user) else []
    counted = debugfs(made.user, "cat /upper/var/lib/cycles/count").strip()
    if counted != str(number):
        problems.append(f"the counter on the user image says {counted!r}, not {number}")
    if problems:
        raise MachineError("\n".join(problems) + "\n" + _end_of(console))
    log(f"cycle {number}: started, {end}, clean, in {seconds:.0f} s")
