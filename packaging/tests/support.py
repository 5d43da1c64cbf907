# SPDX-License-Identifier: MIT
"""What the tests of the packages share: where packages are, trees of fresh systems, and rooms to spoil them in."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = PROJECT / "build" / "package"
sys.path.insert(0, str(PROJECT / "vm-images"))

from builder import boot, cache, mirror, packages as packaging_of_images, report  # noqa: E402  (the path comes first)

NAMES = ("blendfs", "blendfs-initramfs", "blendbench")
KEYRING = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SYSTEM_UUID = "6b1e0d2c-0021-4b1d-9c57-626c656e6421"
EPOCH = 1735689600
# What the packages depend on, so that installing them needs no network; and what a guest boots with.
COMMON = ["systemd", "systemd-sysv", "udev", "kmod", "mount", "e2fsprogs", "initramfs-tools", "busybox", "zstd", "python3",
          "libsqlite3-0", "liburing2", "libnuma1", "zlib1g", "libstdc++6"]
TREES = {
    "bookworm": COMMON + ["libssl3"],
    "trixie": COMMON + ["libssl3t64", "linux-image-cloud-amd64", "dracut-core"],
}
# Run by mmdebstrap, outside of the new tree, which is its argument. An empty machine-id is no first boot.
CUSTOMIZE = r'rm -f "$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap" "$1/etc/hostname" "$1/etc/resolv.conf"; : >"$1/etc/machine-id"'


def need_root():
    if os.geteuid() != 0:
        raise unittest.SkipTest("only root can make chroots and mounts")


def need_programs(*names):
    for name in names:
        if shutil.which(name) is None:
            raise unittest.SkipTest(f"{name} is not installed; run setup/install")


def packages():
    """Package name to .deb; skips the caller where packaging/build has not been run."""
    found = {}
    for path in (BUILD / "packages").glob("*.deb"):
        found[path.name.split("_")[0]] = path
    missing = [name for name in NAMES if name not in found]
    if missing:
        raise unittest.SkipTest(f"there is no package of {', '.join(missing)}; run packaging/build")
    return found


def store():
    """The cache of trees, and of the initramfs images made in them. A context manager."""
    return cache.Cache(cache.folder().parent / "packaging")


def tree(suite):
    """The folder of a release's tree: root/, and where it has a kernel vmlinuz and system.erofs. Made where missing."""
    need_root()
    need_programs("mmdebstrap", "mkfs.erofs")
    key = cache.digest(suite, TREES[suite], CUSTOMIZE, SYSTEM_UUID)
    with store() as kept:
        found = kept.lookup(suite, key)
        if found is not None:
            return found
        if not KEYRING.exists():
            raise unittest.SkipTest(f"the keyring {KEYRING} is missing; run setup/install")
        try:
            _, url = mirror.find({"debian": {}})
        except report.BuildError as error:
            raise unittest.SkipTest(f"no chroot of {suite}: {error}") from error
        with kept.making(suite, key) as scratch:
            _debootstrap(suite, url, scratch / "root", kept.root / f"{suite}.log")
            if "linux-image-cloud-amd64" in TREES[suite]:
                _bootable(scratch)
        return kept.lookup(suite, key)


def _debootstrap(suite, url, root, log):
    argv = ["mmdebstrap", "--mode=root", "--variant=apt", "--format=directory", "--architectures=amd64",
            f"--include={','.join(TREES[suite])}", '--aptopt=APT::Install-Recommends "false"',
            '--aptopt=Acquire::Languages "none"', '--aptopt=Acquire::Retries "3"', '--aptopt=Acquire::http::Timeout "30"',
            "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=force-unsafe-io", f"--customize-hook={CUSTOMIZE}",
            suite, str(root), f"deb [signed-by={KEYRING}] {url} {suite} main"]
    environ = {**os.environ, "LC_ALL": "C.UTF-8", **packaging_of_images._proxies()}
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environ, check=False)
    log.write_bytes(done.stdout)
    if done.returncode != 0:
        lines = [line for line in done.stdout.decode(errors="replace").splitlines() if line.startswith("E: ")]
        raise unittest.SkipTest(f"no chroot of {suite}: {lines[0] if lines else 'mmdebstrap failed'} (whole log in {log})")


def _bootable(folder):
    """The kernel, unwrapped where QEMU can start that, and the tree as a system image."""
    kernel = newest_kernel(folder / "root").read_bytes()
    (folder / "vmlinuz").write_bytes(boot.elf_kernel(kernel) or kernel)
    subprocess.run(["mkfs.erofs", "--quiet", "-T", str(EPOCH), "-U", SYSTEM_UUID, "--exclude-path=boot",
                    str(folder / "system.erofs"), str(folder / "root")], check=True)


def newest_kernel(root):
    return sorted((root / "boot").glob("vmlinuz-*"))[-1]


class Room:
    """A tree with a layer of its own over it, mounted in namespaces that nobody else sees.

    What is done in there leaves no trace: with the last process, which waits for the end of our standard input, mounts
    and daemons go as well, however the test ends. /mnt is a memory disk: layers of unions cannot lie on an overlayfs. So is /run, as it
    is on a system that runs.
    """

    # Given the tree and the folder of the room.
    SETUP = """
set -eu
cd "$2"
mount -t overlay -o "lowerdir=$1,upperdir=upper,workdir=work" overlay root
mount --rbind /dev root/dev
mount -t proc proc root/proc
mount -t sysfs -o ro sysfs root/sys
mount -t tmpfs tmpfs root/mnt
mount -t tmpfs tmpfs root/tmp
mount -t tmpfs tmpfs root/run
echo ready
exec cat
"""

    def __init__(self, root):
        self._tree = root
        self._held = contextlib.ExitStack()
        self._first = None

    def __enter__(self):
        folder = self._held.enter_context(tempfile.TemporaryDirectory(prefix="blend-room-", ignore_cleanup_errors=True))
        self.folder = pathlib.Path(folder)
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir()
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private",
             "sh", "-c", self.SETUP, "sh", str(self._tree), folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._held.callback(self._end)
        if self._process.stdout.readline() != b"ready\n":
            said = self._process.stderr.read().decode(errors="replace").strip()
            self.__exit__()
            raise unittest.SkipTest(f"no chroot can be set up here: {said}")
        children = pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        self._first = children.split()[0]
        return self

    def _end(self):
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._process.stderr.close()

    def __exit__(self, *exc_info):
        self._held.close()

    def path(self, name):
        """Where a file of the room is for us: seen through the first process, whose mounts these are."""
        return pathlib.Path(f"/proc/{self._first}/root{self.folder}/root{name}")

    def run(self, *argv, seconds=300):
        """Runs a command in there; returns (status, all it wrote)."""
        environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(["nsenter", "--target", self._first, "--mount", "--pid", "chroot", str(self.folder / "root"), *argv],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environ,
                              timeout=seconds, check=False, cwd="/")
        return done.returncode, done.stdout.decode(errors="replace")

    def succeed(self, *argv, seconds=300):
        status, said = self.run(*argv, seconds=seconds)
        if status != 0:
            raise AssertionError(f"{' '.join(argv)}: status {status}\n{said}")
        return said

    def install(self, debs):
        """dpkg -i of packages of this machine; what it said."""
        for deb in debs:
            shutil.copy(deb, self.path("/tmp") / deb.name)
        return self.succeed("dpkg", "--install", *[f"/tmp/{deb.name}" for deb in debs], seconds=600)
