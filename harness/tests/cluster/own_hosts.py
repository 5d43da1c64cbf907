# SPDX-License-Identifier: MIT
"""Hosts of this machine's own that answer ssh: dropbear, each in namespaces of its own, all of whose state is in one private folder.

A host has its own name, its own /root with the key that may enter, and its own `kept` folder; what runs on it can be told, and killed, by
its UTS namespace. Nothing outside of the folder is written; nothing is left when stop() has run.
"""
import os
import pwd
import shutil
import subprocess
import time

from own_processes import PATH, die_with_parent, free_ports, kill_namespace, namespace_of

PROGRAMS = ("ssh", "scp", "ssh-keygen", "dropbear", "dropbearkey", "unshare", "hostname", "mount")
SFTP_SERVERS = ("/usr/lib/sftp-server", "/usr/lib/openssh/sftp-server")
# $0 is the host's name; then its folder, what its folder stands for, root's home, and the server's command.
ENTER = """
hostname "$0" && mount --bind "$1" "$2" && mount -t tmpfs -o mode=700 none "$3" && mkdir -m 700 "$3/.ssh" &&
cp "$1.pub" "$3/.ssh/authorized_keys" && chmod 600 "$3/.ssh/authorized_keys" && shift 3 && exec "$@"
"""
CONFIGURATION = """
Host *
  HostName 127.0.0.1
  User root
  IdentityFile {folder}/key
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
"""


def missing():
    """Why there can be no such hosts here; "" when there can."""
    if os.geteuid() != 0:
        return "needs root"
    lacking = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if lacking or not any(os.path.exists(path) for path in SFTP_SERVERS):
        return f"no {', '.join(lacking) or 'sftp-server'}; install openssh-client, openssh-sftp-server and dropbear-bin"
    if subprocess.run(["unshare", "--uts", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        return "no namespaces here"
    return ""


class OwnHosts:
    def __init__(self, folder, names):
        self.folder = folder
        self.names = names
        self.kept = os.path.join(folder, "kept")  # the same path on every host, and another folder
        self.config = os.path.join(folder, "config")
        self.servers = {}
        self.namespaces = {}

    def start(self):
        os.mkdir(self.kept)
        self._call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self._path("key"))
        with open(self.config, "w", encoding="ascii") as config, open(self._path("known"), "w", encoding="ascii") as known:
            for name, port in zip(self.names, free_ports(len(self.names))):
                config.write(f"Host {name}\n  Port {port}\n")
                known.write(f"[127.0.0.1]:{port} {self._start_host(name, port)}\n")
            config.write(CONFIGURATION.format(folder=self.folder))
        limit = time.monotonic() + 60
        for name in self.names:
            while (asked := self._call("ssh", "-F", self.config, "-o", "BatchMode=yes", name, "hostname", check=False)).stdout.strip() != name:
                if time.monotonic() > limit:
                    raise RuntimeError(f"{name} did not come up: {asked.stderr}\n{self.logs()}")
                time.sleep(0.2)

    def _start_host(self, name, port):
        """Its public key."""
        os.mkdir(self._path(name))
        shutil.copy(self._path("key.pub"), self._path(name + ".pub"))
        key = self._path(name + ".key")
        made = self._call("dropbearkey", "-t", "ed25519", "-f", key).stdout
        command = ["unshare", "--uts", "--mount", "sh", "-c", ENTER, name, self._path(name), self.kept, pwd.getpwuid(0).pw_dir,
                   "dropbear", "-F", "-E", "-s", "-r", key, "-p", f"127.0.0.1:{port}", "-P", self._path(name + ".pid")]
        with open(self._path(name + ".out"), "ab") as out:
            self.servers[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", preexec_fn=die_with_parent,
                                                  env={**os.environ, "PATH": PATH})
        own, limit = namespace_of(os.getpid()), time.monotonic() + 10
        while namespace_of(self.servers[name].pid) in ("", own):
            if time.monotonic() > limit:
                raise RuntimeError(f"{name} did not start\n{self.logs()}")
            time.sleep(0.05)
        self.namespaces[name] = namespace_of(self.servers[name].pid)
        return next(line for line in made.splitlines() if line.startswith("ssh-ed25519 "))

    def kill(self, name):
        """As a power failure would: all that runs there, at once. Returns how many processes."""
        return kill_namespace(self.namespaces[name], self.servers[name])

    def logs(self):
        text = []
        for name in self.names:
            if os.path.exists(self._path(name + ".out")):
                with open(self._path(name + ".out"), encoding="utf-8", errors="replace") as file:
                    text.append(f"--- {name}\n{file.read()[-2500:]}")
        return "\n".join(text)

    def stop(self):
        for name in self.namespaces:
            self.kill(name)
        for server in self.servers.values():
            server.kill()
            server.wait()

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _call(self, *command, check=True):
        return subprocess.run(command, env={**os.environ, "PATH": PATH}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=check)
