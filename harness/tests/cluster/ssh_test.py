#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An experiment over ssh on two hosts that really answer it, one of which dies: ssh_test.py BLENDBENCH

Needs root, loop devices, dropbear-bin and openssh-sftp-server; skipped with the reason (exit 77) where one is missing. Takes a minute.
"""
import pathlib
import sys

import own_hosts
from cluster_case import lines_of, main
from ssh_case import HOSTS, SshCase


class Ssh(SshCase):
    def samples_on(self, host):
        """{block: samples}, as they lie there."""
        folder = pathlib.Path(self.hosts.folder, host, "runs")
        return {path.parent.name: lines_of(path) for path in folder.glob("*/b*/samples.jsonl")}

    def begun_block(self, host):
        return next((block for block, samples in self.samples_on(host).items() if 0 < len(samples) < self.arms), None)

    def test_blocks_are_dealt_out_and_come_back(self):
        self.finish(self.begin("--json"))
        hosts = self.hosts_of_blocks()
        self.assertEqual({node for node, _ in hosts.values()}, set(HOSTS))
        self.assertNotEqual(self.call("export", "r", "--format", "report")["run"]["finished"], "")

    def test_a_host_that_dies_leaves_its_blocks_to_the_other(self):
        run = self.begin("--json")
        block = self.wait("a block under way on b", 180, lambda: self.begun_block("b") or run.poll() is not None)
        self.assertGreater(self.hosts.kill("b"), 1, "the server and what it served")
        self.assertLess(len(self.samples_on("b")[block]), self.arms, "the block was over before its host was killed")
        self.finish(run)
        self.assertEqual(self.hosts_of_blocks()[int(block[1:])][0], "a")


if __name__ == "__main__":
    sys.exit(main(Ssh, own_hosts.missing()))
