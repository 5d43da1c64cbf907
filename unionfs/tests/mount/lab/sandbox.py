# SPDX-License-Identifier: MIT
"""A place where nothing can leak: the runner executes itself again in new mount and process namespaces,
on an ext4 of its own in a loop device that goes with its mount. When the inner process ends, by whatever
signal, the kernel ends every process, mount and loop device it left.
"""
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile

SKIP_STATUS = 77
MARK = "BLENDFS_MOUNT_TEST_FOLDER"
PR_SET_PDEATHSIG = 1
IMAGE_BYTES = 12 << 30  # sparse: only what is written takes space


class Unavailable(Exception):
    """This machine cannot run the tests; the text says why."""


def inside():
    return os.environ.get(MARK)


def require():
    if os.geteuid() != 0:
        raise Unavailable("needs root (mounts, trusted extended attributes)")
    for tool in ("unshare", "mount", "mkfs.ext4"):
        if not shutil.which(tool):
            raise Unavailable("%s is not installed" % tool)
    if not os.path.exists("/dev/loop-control"):
        raise Unavailable("no loop devices (/dev/loop-control)")


def enter(script, arguments):
    """Runs the script again inside; returns its exit status. Removes the temporary folder in the end."""
    folder = tempfile.mkdtemp(prefix="blendfs-mount-tests.")
    os.chmod(folder, 0o755)  # other users act in the tests
    ended_by = []

    def end(number, _frame):
        # unshare ignores SIGTERM while it waits; killing it takes the namespaces down with all they hold.
        ended_by.append(number)
        child.kill()

    def tie_to_parent():
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    try:
        child = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
             sys.executable, script, *arguments],
            env={**os.environ, MARK: folder, "PYTHONDONTWRITEBYTECODE": "1"}, start_new_session=True,
            preexec_fn=tie_to_parent)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, end)
        status = child.wait()
        return 128 + ended_by[0] if ended_by else status
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_inside(script, work, fuse=True, tests=1):
    """The exit status of work(base), called inside with an ext4 of its own at `base`; SKIP_STATUS where this machine
    cannot do it. `tests` is how many that leaves out.
    """
    try:
        require()
        if fuse and not os.path.exists("/dev/fuse"):
            raise Unavailable("no /dev/fuse (modprobe fuse)")
        if not inside():
            return enter(os.path.abspath(script), sys.argv[1:])
        base = mount_image(inside())
    except Unavailable as reason:
        print("nothing was run: %s\n0 passed, 0 failed, %d skipped" % (reason, tests))
        return SKIP_STATUS
    os.chmod(base, 0o755)
    return work(base)


def mount_image(folder, size=IMAGE_BYTES, name="disk", options="noatime"):
    """Makes an ext4 in a file of `folder` and mounts it; the loop device ends with the mount."""
    image, target = os.path.join(folder, name + ".img"), os.path.join(folder, name)
    with open(image, "wb") as stream:
        stream.truncate(size)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    made = subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=1,lazy_journal_init=1", "-m", "0",
                           image], **quiet)
    if made.returncode:
        raise Unavailable("mkfs.ext4: " + made.stderr.strip())
    os.makedirs(target, exist_ok=True)
    done = subprocess.run(["mount", "-o", "loop," + options, image, target], **quiet)
    if done.returncode:
        raise Unavailable("cannot mount a loop device: " + done.stderr.strip())
    os.unlink(image)
    return target
