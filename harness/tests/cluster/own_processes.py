# SPDX-License-Identifier: MIT
"""What a machine of a test's own needs: free ports, and processes that can be told, and killed, by their UTS namespace."""
import ctypes
import os
import signal
import socket
import time

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def namespace_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/uts")
    except OSError:
        return ""


def processes_in(namespace):
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and namespace_of(name) == namespace]


def kill_namespace(namespace, first):
    """Kills all in it at once, as a power failure would; `first` is the Popen of its first process. Returns how many."""
    killed = set()
    while left := set(processes_in(namespace)) - {pid for pid in killed if _is_dead(pid)}:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        killed |= left
        first.poll()
        time.sleep(0.05)
    return len(killed)


def _is_dead(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True
