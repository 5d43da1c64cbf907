# SPDX-License-Identifier: MIT
"""Hosts of this machine's own that answer ssh: dropbear, each in namespaces of its own, all of whose state is in one private folder.

A host has its own name, its own /root with the key that may enter, and its own `kept` folder; what runs on it can be told, and killed, by
its UTS namespace. Nothing outside of the folder is written; nothing is left when stop() has run.
"""
import os
import pwd
import shutil
import subprocess

from own_processes import PATH, ends_of_logs, free_ports, kill_namespace, own_namespace_of, start_server, wait_for

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
        for name in self.names:
            wait_for(name, 60, lambda name=name: self._answers(name), logs=self.logs)

    def _answers(self, name):
        return self._call("ssh", "-F", self.config, "-o", "BatchMode=yes", name, "hostname", check=False).stdout.strip() == name

    def _start_host(self, name, port):
        """Its public key."""
        os.mkdir(self._path(name))
        shutil.copy(self._path("key.pub"), self._path(name + ".pub"))
        key = self._path(name + ".key")
        made = self._call("dropbearkey", "-t", "ed25519", "-f", key).stdout
        command = ["unshare", "--uts", "--mount", "sh", "-c", ENTER, name, self._path(name), self.kept, pwd.getpwuid(0).pw_dir,
                   "dropbear", "-F", "-E", "-s", "-r", key, "-p", f"127.0.0.1:{port}", "-P", self._path(name + ".pid")]
        self.servers[name] = start_server(command, self._path(name + ".out"), {**os.environ, "PATH": PATH})
        self.namespaces[name] = wait_for(name, 10, lambda: own_namespace_of(self.servers[name].pid), logs=self.logs)
        return next(line for line in made.splitlines() if line.startswith("ssh-ed25519 "))

    def kill(self, name):
        """As a power failure would: all that runs there, at once. Returns how many processes."""
        return kill_namespace(self.namespaces[name], self.servers[name])

    def logs(self):
        return ends_of_logs(self.folder)

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
