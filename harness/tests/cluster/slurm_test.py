#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An experiment as an array job of a real Slurm, one of whose nodes is killed: slurm_test.py BLENDBENCH

Needs root, loop devices, Slurm and munge; skipped with the reason (exit 77) where one is missing. Takes a minute and a half.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import own_slurm

BLENDBENCH = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else ""
SOURCES = pathlib.Path(__file__).resolve().parents[3]
NODES = ("node1", "node2", "node3")
BLOCKS = 5
SPEC = f"""
name = "tiny"
substrate = "host"
blocks = {BLOCKS}
cases = ["untar", "layers3-find"]
[noise]
max_steal = 1.0
max_foreign = 1.0
[[arm]]
id = "ext4"
engine = "plain"
reference = true
[[arm]]
id = "overlayfs"
engine = "overlayfs"
[[arm]]
id = "blendfs"
engine = "blendfs"
"""


def lines_of(path):
    """Whole lines of a file that may be being written."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1] if line]


class Slurm(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="blendbench-slurm-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.runs = self.folder / "runs"
        (self.folder / "tiny.toml").write_text(SPEC, encoding="ascii")
        (self.folder / "slurm").mkdir()
        (self.folder / "scratch").mkdir()
        self.folder.chmod(0o711)
        self.slurm = own_slurm.OwnSlurm(str(self.folder / "slurm"), NODES)
        self.addCleanup(self.wait_for_loops)
        self.addCleanup(self.slurm.stop)
        self.slurm.start()

    def wait_for_loops(self):
        """A kill detaches loop devices a moment later."""
        limit = time.monotonic() + 30
        while str(self.folder) in subprocess.run(["losetup", "--list"], capture_output=True, text=True, check=False).stdout:
            self.assertLess(time.monotonic(), limit, "a loop device is left")
            time.sleep(0.2)

    def start(self, *options):
        return subprocess.Popen([BLENDBENCH, "run", str(self.folder / "tiny.toml"), "--out", str(self.runs), "--run", "r", "--executor", "slurm",
                                 "--slurm-option", "partition=bench", "--slurm-option", "time=20", "--scratch", str(self.folder / "scratch"), "--poll", "0.5",
                                 *options], env={**self.slurm.environment, "BLENDBENCH_HOME": str(SOURCES)}, cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def samples(self, block):
        return lines_of(self.runs / "r" / "blocks" / f"b{block:03}" / "samples.jsonl")

    def wait(self, what, seconds, value):
        """The first true value, asked for again and again."""
        limit = time.monotonic() + seconds
        while not (found := value()):
            if time.monotonic() > limit:
                logs = "".join(path.read_text(errors="replace") for path in (self.runs / "r" / "cluster").glob("*.log"))
                self.fail(f"{what}: not in {seconds} s\nqueue {self.slurm.queue()}\n{logs[-3000:]}\n{self.slurm.logs()}")
            time.sleep(0.05)
        return found

    def begun_block(self):
        """(block, node) of one that runs and has some of its samples."""
        for block, (state, node) in self.slurm.queue().items():
            if state == "RUNNING" and node and 0 < len(self.samples(block)) < 3:
                return block, node
        return None

    def test_a_killed_node_costs_its_block_a_second_turn_and_nothing_else(self):
        run = self.start()
        self.addCleanup(run.kill)
        self.wait("a block under way", 180, lambda: run.poll() is not None or self.begun_block())
        # Whoever waits may leave: the job goes on.
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130, err + out)
        self.assertIn("goes on: --resume waits for it again", err)
        self.assertTrue(self.slurm.queue())

        block, node = self.wait("a block under way", 180, self.begun_block)
        self.assertGreater(self.slurm.kill_node(node), 1, "the daemon and its task")
        done = len(self.samples(block))
        self.assertLess(done, 3, "the block was over before it was killed")

        run = self.start("--resume", "--json")
        self.addCleanup(run.kill)
        try:
            out, err = run.communicate(timeout=420)
        except subprocess.TimeoutExpired:
            self.wait("the end of the run", 0, lambda: False)
        self.assertEqual(run.returncode, 0, err + out + self.slurm.logs())
        answer = json.loads(out)
        self.assertEqual((answer["done"], answer["failed"]), (3 * BLOCKS, 0))
        self.assertEqual(len(json.loads((self.runs / "r" / "cluster.json").read_text())["jobs"]), 1, "nothing was submitted twice")
        self.check_samples(block, node)
        self.check_report()

    def check_samples(self, killed_block, killed_node):
        plan = json.loads((self.runs / "r" / "plan.json").read_text())
        samples = lines_of(self.runs / "r" / "samples.jsonl")
        self.assertEqual(sorted((step["block"], step["order"], step["arm"]) for step in plan["steps"]),
                         sorted((sample["block"], sample["order"], sample["arm"]) for sample in samples))
        hosts = {}
        for sample in samples:
            host = sample["provenance"]["host"]
            hosts.setdefault(sample["block"], set()).add((host["node"], host["machine"]))
        self.assertTrue(all(len(own) == 1 for own in hosts.values()), hosts)
        self.assertNotEqual(next(iter(hosts[killed_block]))[0], killed_node, "it was not requeued to another node")
        folder = self.runs / "r" / "blocks" / f"b{killed_block:03}"
        aside = lines_of(folder / "samples.aside-1.jsonl")
        self.assertTrue(aside, "what the killed node had measured is kept")
        self.assertEqual({sample["provenance"]["host"]["node"] for sample in aside}, {killed_node})

    def check_report(self):
        def call(*arguments):
            done = subprocess.run([BLENDBENCH, *arguments, "--out", str(self.runs)], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            return json.loads(done.stdout)

        report = call("export", "r", "--format", "report")
        machines = report["run"]["machines"]
        self.assertGreater(len(machines), 1)
        self.assertLessEqual({machine["name"] for machine in machines}, set(NODES))
        self.assertNotEqual(report["run"]["finished"], "")
        again = call("collect", "r", "--json")
        self.assertEqual((again["done"], again["missing"], again["refused"]), (3 * BLOCKS, [], []))


def main():
    reason = own_slurm.missing()
    if not reason and not os.path.exists("/dev/loop-control"):
        reason = "no loop devices"
    if reason:
        print(f"skipped 1: {reason}\n0 passed, 0 failed, 1 skipped")
        return 77
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(unittest.defaultTestLoader.loadTestsFromTestCase(Slurm))
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
