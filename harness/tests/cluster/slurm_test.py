#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An experiment as an array job of a real Slurm, one of whose nodes is killed: slurm_test.py BLENDBENCH

Needs root, loop devices, Slurm and munge; skipped with the reason (exit 77) where one is missing. Takes a minute and a half.
"""
import json
import signal
import sys

import own_slurm
from cluster_case import ClusterCase, lines_of, main

NODES = ("node1", "node2", "node3")


class Slurm(ClusterCase):
    def setUp(self):
        super().setUp()
        (self.folder / "slurm").mkdir()
        (self.folder / "scratch").mkdir()
        self.slurm = own_slurm.OwnSlurm(str(self.folder / "slurm"), NODES)
        self.addCleanup(self.slurm.stop)
        self.slurm.start()
        self.environment = self.slurm.environment

    def begin(self, *options):
        return self.start("slurm", "--slurm-option", "partition=bench", "--slurm-option", "time=20", "--scratch", str(self.folder / "scratch"),
                          "--poll", "0.5", *options)

    def logs(self):
        logs = "".join(path.read_text(errors="replace") for path in (self.runs / "r" / "cluster").glob("*.log"))
        return f"queue {self.slurm.queue()}\n{logs[-3000:]}\n{self.slurm.logs()}"

    def begun_block(self):
        """(block, node) of one that runs and has some of its samples."""
        for block, (state, node) in self.slurm.queue().items():
            if state == "RUNNING" and node and 0 < len(self.samples(block)) < self.arms:
                return block, node
        return None

    def samples(self, block):
        return lines_of(self.runs / "r" / "blocks" / f"b{block:03}" / "samples.jsonl")

    def test_a_killed_node_costs_its_block_a_second_turn_and_nothing_else(self):
        run = self.begin()
        self.wait("a block under way", 180, lambda: run.poll() is not None or self.begun_block())
        # Whoever waits may leave: the job goes on.
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130, err + out)
        self.assertIn("goes on: --resume waits for it again", err)
        self.assertTrue(self.slurm.queue())

        block, node = self.wait("a block under way", 180, self.begun_block)
        self.assertGreater(self.slurm.kill_node(node), 1, "the daemon and its task")
        self.assertLess(len(self.samples(block)), self.arms, "the block was over before it was killed")

        self.finish(self.begin("--resume", "--json"))
        self.assertEqual(len(json.loads((self.runs / "r" / "cluster.json").read_text())["jobs"]), 1, "nothing was submitted twice")
        self.assertNotEqual(self.hosts_of_blocks()[block][0], node, "it was not requeued to another node")
        aside = lines_of(self.runs / "r" / "blocks" / f"b{block:03}" / "samples.aside-1.jsonl")
        self.assertTrue(aside, "what the killed node had measured is kept")
        self.assertEqual({sample["provenance"]["host"]["node"] for sample in aside}, {node})
        self.check_report()

    def check_report(self):
        report = self.call("export", "r", "--format", "report")
        machines = report["run"]["machines"]
        self.assertGreater(len(machines), 1)
        self.assertLessEqual({machine["name"] for machine in machines}, set(NODES))
        self.assertNotEqual(report["run"]["finished"], "")
        again = self.call("collect", "r", "--json")
        self.assertEqual((again["done"], again["missing"], again["refused"]), (self.arms * self.blocks, [], []))


if __name__ == "__main__":
    sys.exit(main(Slurm, own_slurm.missing()))
