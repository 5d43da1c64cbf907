# SPDX-License-Identifier: MIT
"""What a machine of a test's own needs: free ports, servers that end with the test, and processes that can be told, and killed, by their
UTS namespace."""
import ctypes
import os
import signal
import socket
import subprocess
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


def start_server(command, out_file, environment):
    """Started with its output in `out_file`; it ends with this process."""
    with open(out_file, "ab") as out:
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", preexec_fn=die_with_parent)


def wait_for(what, seconds, ready, server_ended=lambda: False, logs=lambda: ""):
    """The first true value of ready(). Fails when that takes too long, or a server has ended meanwhile."""
    limit = time.monotonic() + seconds
    while not (found := ready()):
        if server_ended() or time.monotonic() > limit:
            raise RuntimeError(f"{what} did not come up in {seconds} s\n{logs()}")
        time.sleep(0.1)
    return found


def ends_of_logs(folder):
    """The ends of all logs, for a test that failed."""
    text = []
    for name in sorted(os.listdir(folder)):
        if name.endswith((".log", ".out")):
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                text.append(f"--- {name}\n{file.read()[-2500:]}")
    return "\n".join(text)


def own_namespace_of(pid):
    """Once it has left this process's; "" until then."""
    namespace = namespace_of(pid)
    return "" if namespace == namespace_of(os.getpid()) else namespace


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
