# SPDX-License-Identifier: MIT
"""A small experiment, carried out by an executor whose machines are a test's own."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

BLENDBENCH = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else ""
SOURCES = pathlib.Path(__file__).resolve().parents[3]
HOST_SPEC = """
name = "tiny"
substrate = "host"
blocks = {blocks}
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


class ClusterCase(unittest.TestCase):
    spec = HOST_SPEC
    arms = 3
    blocks = 5
    environment = os.environ

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="blendbench-cluster-")
        self.addCleanup(holder.cleanup)
        self.addCleanup(self.wait_for_loops)
        self.folder = pathlib.Path(holder.name)
        self.folder.chmod(0o711)
        self.runs = self.folder / "runs"
        (self.folder / "tiny.toml").write_text(self.spec.format(blocks=self.blocks), encoding="ascii")

    def wait_for_loops(self):
        """A kill detaches loop devices a moment later."""
        limit = time.monotonic() + 30
        while str(self.folder) in subprocess.run(["losetup", "--list"], capture_output=True, text=True, check=False).stdout:
            self.assertLess(time.monotonic(), limit, "a loop device is left")
            time.sleep(0.2)

    def start(self, executor, *options):
        """blendbench, carrying out run "r"."""
        run = subprocess.Popen([BLENDBENCH, "run", str(self.folder / "tiny.toml"), "--out", str(self.runs), "--run", "r", "--executor", executor, *options],
                               env={**self.environment, "BLENDBENCH_HOME": str(SOURCES)}, cwd=self.folder, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(run.communicate)
        self.addCleanup(run.kill)
        return run

    def finish(self, run, seconds=420):
        """Its answer (--json): every sample is good."""
        try:
            out, err = run.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.fail(f"no end of the run in {seconds} s\n{self.logs()}")
        self.assertEqual(run.returncode, 0, err + out + self.logs())
        answer = json.loads(out)
        self.assertEqual((answer["done"], answer["failed"]), (self.arms * self.blocks, 0))
        return answer

    def wait(self, what, seconds, value):
        """The first true value, asked for again and again."""
        limit = time.monotonic() + seconds
        while not (found := value()):
            if time.monotonic() > limit:
                self.fail(f"{what}: not in {seconds} s\n{self.logs()}")
            time.sleep(0.05)
        return found

    def logs(self):
        """For a test that failed."""
        return ""

    def hosts_of_blocks(self):
        """{block: (node, machine)}, once it is shown that the run has what its plan wants, and each block is of one machine."""
        plan = json.loads((self.runs / "r" / "plan.json").read_text())
        samples = lines_of(self.runs / "r" / "samples.jsonl")
        self.assertEqual(sorted((step["block"], step["order"], step["arm"]) for step in plan["steps"]),
                         sorted((sample["block"], sample["order"], sample["arm"]) for sample in samples))
        hosts = {}
        for sample in samples:
            host = sample["provenance"]["host"]
            hosts.setdefault(sample["block"], set()).add((host["node"], host["machine"]))
        self.assertTrue(all(len(own) == 1 for own in hosts.values()), hosts)
        return {block: next(iter(own)) for block, own in hosts.items()}

    def call(self, *arguments):
        """The answer of another command."""
        done = subprocess.run([BLENDBENCH, *arguments, "--out", str(self.runs)], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)


def main(case, reason):
    """Runs the tests of a class; `reason` why they cannot be run here, or ""."""
    if not reason and not os.path.exists("/dev/loop-control"):
        reason = "no loop devices"
    if reason:
        print(f"skipped 1: {reason}\n0 passed, 0 failed, 1 skipped")
        return 77
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(unittest.defaultTestLoader.loadTestsFromTestCase(case))
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0
