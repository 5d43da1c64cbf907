# SPDX-License-Identifier: MIT
"""A small experiment over ssh, on two hosts of the test's own."""
import own_hosts
from cluster_case import ClusterCase

HOSTS = ("a", "b")


class SshCase(ClusterCase):
    def setUp(self):
        super().setUp()
        (self.folder / "hosts").mkdir()
        self.hosts = own_hosts.OwnHosts(str(self.folder / "hosts"), HOSTS)
        self.addCleanup(self.hosts.stop)
        self.hosts.start()

    def begin(self, *options):
        return self.start("ssh", "--host", "a", "--host", "b", "--ssh-config", self.hosts.config, "--remote-folder", self.hosts.kept, *options)

    def logs(self):
        return self.hosts.logs()
