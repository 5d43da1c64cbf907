# SPDX-License-Identifier: MIT
"""A Slurm of this machine's own: munged, slurmctld and several slurmd, all of whose state is in one private folder.

Each slurmd is in a UTS namespace of its own, under its node's name: so it works with every build of Slurm, and what runs on a
"node" can be told, and killed, by its namespace. Nothing outside of the folder is written; nothing is left when stop() has run.
"""
import os
import shutil
import socket
import subprocess

from own_processes import PATH, ends_of_logs, free_ports, kill_namespace, own_namespace_of, start_server, wait_for

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo", "scontrol", "unshare", "hostname")

CONFIGURATION = """
ClusterName=blendtest
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=10
SlurmctldPort={controller}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2
SlurmdParameters=config_overrides
SlurmdTimeout=10
KillWait=2
MinJobAge=10
JobRequeue=1
ReturnToService=2
"""


def missing():
    """Why there can be no Slurm here; "" when there can."""
    if os.geteuid() != 0:
        return "needs root"
    lacking = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if lacking:
        return f"Slurm is not installed: no {', '.join(lacking)}; install slurm-wlm and munge"
    if subprocess.run(["unshare", "--uts", "true"], capture_output=True, check=False).returncode != 0:
        return "no UTS namespaces here"
    return ""


class OwnSlurm:
    def __init__(self, folder, nodes):
        self.folder = folder
        self.nodes = nodes
        self.daemons = {}
        self.namespaces = {}
        self.environment = {**os.environ, "PATH": PATH, "SLURM_CONF": os.path.join(folder, "slurm.conf")}

    def start(self):
        os.chmod(self.folder, 0o711)  # the socket is for everybody who may know its name
        os.mkdir(os.path.join(self.folder, "state"))
        key = os.path.join(self.folder, "munge.key")
        with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(os.urandom(1024))
        controller, *ports = free_ports(1 + len(self.nodes))
        with open(self.environment["SLURM_CONF"], "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(host=socket.gethostname().split(".")[0], folder=self.folder, controller=controller))
            for node, port in zip(self.nodes, ports):
                os.mkdir(os.path.join(self.folder, "spool-" + node))
                file.write(f"NodeName={node} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=500 State=UNKNOWN\n")
            file.write(f"PartitionName=bench Nodes={','.join(self.nodes)} Default=YES MaxTime=INFINITE State=UP\n")
        self._daemon("munged", "--foreground", "--force", "--key-file=" + key, *(
            f"--{name}={self.folder}/munge.{suffix}" for name, suffix in
            (("socket", "socket"), ("pid-file", "pid"), ("log-file", "log"), ("seed-file", "seed"))))
        self._wait("munged", 30, lambda: os.path.exists(os.path.join(self.folder, "munge.socket")))
        self._daemon("slurmctld", "-D")
        self._wait("slurmctld", 60, lambda: "is UP" in self.ask("scontrol", "ping"))
        for node in self.nodes:
            self.start_node(node)
        self._wait("the nodes", 90, lambda: self.states().count("idle") == len(self.nodes))

    def start_node(self, node):
        name = "slurmd-" + node
        self._daemon(name, "unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', node, "slurmd", "-D", program=False)
        self.namespaces[node] = self._wait(name, 10, lambda: own_namespace_of(self.daemons[name].pid))

    def kill_node(self, node):
        """As a power failure would: the daemon and all that runs there, at once. Returns how many processes."""
        return kill_namespace(self.namespaces[node], self.daemons["slurmd-" + node])

    def states(self):
        """Of the nodes: idle, allocated, down*, ..."""
        return self.ask("sinfo", "--noheader", "--Node", "--format=%T").split()

    def queue(self):
        """{block: (state, node)}"""
        parts = [line.split("|") for line in self.ask("squeue", "--noheader", "--array", "--format=%K|%T|%N").splitlines()]
        return {int(part[0]): (part[1], part[2]) for part in parts if len(part) == 3 and part[0].isdigit()}

    def ask(self, *command):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr

    def logs(self):
        return ends_of_logs(self.folder)

    def stop(self):
        for node in self.namespaces:
            self.kill_node(node)
        for daemon in reversed(self.daemons.values()):
            daemon.kill()
            daemon.wait()

    def _daemon(self, name, *arguments, program=True):
        command = [name, *arguments] if program else list(arguments)
        self.daemons[name] = start_server(command, os.path.join(self.folder, name + ".out"), self.environment)

    def _wait(self, what, seconds, ready):
        return wait_for(what, seconds, ready, lambda: any(daemon.poll() is not None for daemon in self.daemons.values()), self.logs)
