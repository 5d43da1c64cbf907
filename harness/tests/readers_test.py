#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Exports read by readers that are not ours, and imports of files that are not ours: readers_test.py BLENDBENCH

Python's csv and json stand for the tools that read the exports; fio itself writes a file to import, where it is installed.
"""
import csv
import datetime
import io
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import unittest

BLENDBENCH = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else ""


def google(slow_down, seed):
    noise = random.Random(seed)
    entries = []
    for index in range(5):
        for name in ("BM_Find/8", "BM_\"Odd\", name"):
            time = 100 * slow_down * math.exp(noise.gauss(0, 0.01))
            entries.append({"name": name, "run_name": name, "run_type": "iteration", "repetitions": 5, "repetition_index": index,
                            "threads": 1, "iterations": 10, "real_time": time, "cpu_time": time / 2, "time_unit": "us",
                            "bytes_per_second": 1e12 / time})
    return {"context": {"num_cpus": 4}, "benchmarks": entries}


class Readers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for name, slow_down in (("a", 1), ("b", 1.5)):
            with open(os.path.join(self.folder, name + ".json"), "w", encoding="utf-8") as out:
                json.dump(google(slow_down, name), out)
        self.run_it("import", "before=a.json", "after=b.json", "--as", "micro", "--run", "r", "--out", "runs")

    def run_it(self, *arguments, status=0):
        done = subprocess.run([BLENDBENCH, *arguments], cwd=self.folder, capture_output=True, timeout=120, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout.decode()

    def export(self, form):
        return self.run_it("export", "r", "--out", "runs", "--format", form)

    def means(self):
        """{(arm, metric): geometric mean} from the imported files themselves."""
        found = {}
        for arm, name in (("before", "a"), ("after", "b")):
            with open(os.path.join(self.folder, name + ".json"), encoding="utf-8") as source:
                for entry in json.load(source)["benchmarks"]:
                    found.setdefault((arm, entry["name"] + ".real_s"), []).append(entry["real_time"] * 1e-6)
                    found.setdefault((arm, entry["name"] + "_mbps"), []).append(entry["bytes_per_second"] / 1e6)
        return {key: statistics.geometric_mean(values) for key, values in found.items()}

    def test_csv(self):
        rows = list(csv.DictReader(io.StringIO(self.export("csv"), newline="")))
        values = {}
        for row in rows:
            self.assertEqual(None in row or None in row.values(), False)
            values.setdefault((row["arm"], row["metric"]), []).append(float(row["value"]))
        for key, mean in self.means().items():
            self.assertAlmostEqual(statistics.geometric_mean(values[key]) / mean, 1, 9)
        self.assertEqual(len(rows), 2 * 5 * 2 * 3)

    def test_jsonl(self):
        samples = [json.loads(line) for line in self.export("jsonl").splitlines()]
        self.assertEqual([(sample["block"], sample["arm"]) for sample in samples],
                         [(block, arm) for block in range(5) for arm in ("before", "after")])

    def test_json(self):
        document = json.loads(self.export("json"))
        summary = {(entry["arm"], entry["metric"]): entry["geometric_mean"] for entry in document["summary"]}
        for key, mean in self.means().items():
            self.assertAlmostEqual(summary[key] / mean, 1, 9)

    def test_google_benchmark_goes_round(self):
        with open(os.path.join(self.folder, "again.json"), "w", encoding="utf-8") as out:
            out.write(self.export("googlebenchmark"))
        self.run_it("import", "again.json", "--as", "again", "--run", "again", "--out", "runs")
        summary = {entry["metric"]: entry["geometric_mean"]
                   for entry in json.loads(self.run_it("export", "again", "--out", "runs", "--format", "json"))["summary"]}
        for (arm, metric), mean in self.means().items():
            again = f"{arm}/{metric}.real_s" if metric.endswith("_s") else f"{arm}/{metric}_mbps"
            self.assertAlmostEqual(summary[again] / mean, 1, 9)

    def test_bencher(self):
        document = json.loads(self.export("bencher"))
        for (arm, metric), mean in self.means().items():
            measure, = document[f"{arm}/{metric}"].values()
            self.assertAlmostEqual(measure["value"] / mean, 1, 9)
            self.assertLess(measure["lower_value"], measure["value"])
            self.assertLess(measure["value"], measure["upper_value"])

    def test_github_action_benchmark(self):
        entries = {entry["name"]: entry for entry in json.loads(self.export("github-action-benchmark"))}
        for metric in ("BM_Find/8.real_s", "BM_Find/8_mbps"):
            worse = entries["after/" + metric]["value"] / entries["before/" + metric]["value"]
            self.assertAlmostEqual(worse, 1.5, delta=0.05)
            self.assertRegex(entries["after/" + metric]["range"], r"^± [0-9.e-]+$")

    def test_otava(self):
        rows = list(csv.DictReader(io.StringIO(self.run_it("history", "--out", "runs", "--format", "otava"), newline="")))
        self.assertEqual([row["run"] for row in rows], ["r"])
        self.assertTrue(datetime.datetime.fromisoformat(rows[0]["time"].replace("Z", "+00:00")))
        for (arm, metric), mean in self.means().items():
            self.assertAlmostEqual(float(rows[0][f"{arm}.{metric}"]) / mean, 1, 9)
        self.assertEqual(self.export("otava").splitlines()[0].split(",")[:3], ["time", "commit", "run"])

    def test_markdown(self):
        lines = [line for line in self.export("markdown").splitlines() if line.startswith("| BM")]
        self.assertTrue(lines)
        for line in lines:
            self.assertEqual(line.replace("\\|", "").count("|"), 9)

    def test_fio_itself(self):
        if not shutil.which("fio"):
            self.skipTest("fio is not installed")
        job = ["fio", "--name=j", "--size=1M", "--bs=4k", "--rw=randrw", "--ioengine=psync", "--filename=f", "--numjobs=2"]
        for name, form in (("f1.json", "json"), ("f2.json", "json+")):
            subprocess.run([*job, "--output-format=" + form, "--output=" + name], cwd=self.folder, check=True, timeout=60,
                           stdout=subprocess.DEVNULL)
        self.run_it("import", "f1.json", "f2.json", "--as", "disk", "--run", "f", "--out", "runs")
        with open(os.path.join(self.folder, "f1.json"), encoding="utf-8") as source:
            text = source.read()
        jobs = json.loads(text[text.index("{"):])["jobs"]
        sample = json.loads(self.run_it("export", "f", "--out", "runs", "--format", "jsonl").splitlines()[0])
        self.assertAlmostEqual(sample["metrics"]["fio.j.read_mbps"], sum(job["read"]["bw_bytes"] for job in jobs) / 1e6, 6)
        self.assertEqual(len(sample["metrics"]), 6)


if __name__ == "__main__":
    unittest.main()
