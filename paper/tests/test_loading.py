# SPDX-License-Identifier: MIT
"""Invalid documents: one line that names the member. Valid odd ones: loaded."""

import copy
import os
import unittest

import support
import loading
import reader
import synthetic


def changed(path, value, kind="ok"):
    """The synthetic document with one member replaced; a value of `...` removes it."""
    document = copy.deepcopy(synthetic.document(kind))
    place = document
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return support.encode(document)


class Invalid(unittest.TestCase):
    def refused(self, data, *parts):
        with self.assertRaises(reader.InvalidInput) as caught:
            loading.load(data)
        message = str(caught.exception)
        self.assertNotIn("\n", message)
        self.assertLess(len(message), 400)
        for part in parts:
            self.assertIn(part, message)

    def test_not_json(self):
        self.refused(b"", "not JSON")
        self.refused(b"{\n  oops", "line 2")
        self.refused(b"\xff\xfe{}", "UTF-8")
        self.refused(b'{"a": NaN}', "NaN")
        self.refused(b"[" * 100000, "nested too deeply")
        self.refused(b'{"a": 1, "a": 2}', "twice")

    def test_not_an_export(self):
        self.refused(b"[]", "the document: expected an object, found a list")
        self.refused(b"{}", "schema")
        self.refused(changed(["schema"], 2), "schema", "schema 1")

    def test_members_are_named(self):
        cases = [
            (["run"], None, "run: expected an object"),
            (["run", "emulated"], "yes", "run.emulated: expected true or false, found the text 'yes'"),
            (["run", "id"], ..., "run.id"),
            (["arms"], [], "arms: a report needs at least one arm"),
            (["arms", 0, "id"], 5, "arms[0].id"),
            (["arms", 1, "id"], "coarse", "arms[1].id: 'coarse' is there twice"),
            (["arms", 2, "reference"], True, "arms[2].reference: only one"),
            (["metrics", 0, "better"], "bigger", "metrics[0].better"),
            (["samples"], ..., "samples: expected a list, found null"),
            (["samples", 3, "arm"], "nobody", "samples[3].arm: no arm has the id 'nobody'"),
            (["samples", 0, "status"], "fine", 'samples[0].status: expected "ok" or "failed"'),
            (["samples", 0, "block"], -1, "samples[0].block: -1 is out of range"),
            (["samples", 0, "block"], 1.5, "samples[0].block: expected a whole number"),
            (["samples", 0, "metrics", "boot.total_s"], "16", "samples[0].metrics.boot.total_s: expected a number"),
            (["samples", 0, "metrics", "boot.total_s"], 10**400, "samples[0].metrics.boot.total_s"),
            (["comparisons", 1, "ci90"], [1], "comparisons[1].ci90: expected two numbers"),
            (["comparisons", 1, "ci90"], [2, 1], "comparisons[1].ci90: the lower bound"),
            (["comparisons", 1, "ratio"], 0, "comparisons[1].ratio: 0 is out of range"),
            (["comparisons", 1, "metric"], "x", "comparisons[1].metric: no metric"),
            (["comparisons", 1, "non_inferiority"], "no difference", "comparisons[1].non_inferiority: 'no difference' is no verdict"),
            (["comparisons", 1, "pairs", 0, "log_ratio"], 1e9, "comparisons[1].pairs[0].log_ratio"),
            (["claims", 0, "verdict"], "PROVED", "claims[0].verdict: 'PROVED' is no verdict"),
            (["claims", 1, "parts", 0, "arm"], "x", "claims[1].parts[0].arm"),
            (["controls", "false_alarms"], 1000, "controls.false_alarms"),
            (["promises", 0, "arms", "coarse", "held"], 99, "promises[0].arms.coarse.held: 99 of 8"),
            (["storage", 0, "user_bytes_written"], -5, "storage[0].user_bytes_written"),
        ]
        for path, value, part in cases:
            with self.subTest(path=path):
                self.refused(changed(path, value), part)

    def test_a_hostile_id_does_not_reach_the_message_raw(self):
        with self.assertRaises(reader.InvalidInput) as caught:
            loading.load(changed(["samples", 0, "arm"], "\x1b[2Jx"))
        self.assertNotIn("\x1b", str(caught.exception))

    def test_a_comparison_twice(self):
        document = synthetic.document("ok")
        document["comparisons"].append(document["comparisons"][0])
        self.refused(support.encode(document), "is compared twice")


class Valid(unittest.TestCase):
    def test_all_synthetic_kinds(self):
        for kind in support.KINDS:
            with self.subTest(kind=kind):
                self.assertTrue(support.report_of(kind).arms)

    def test_the_contract_s_example(self):
        with open(os.path.join(support.PAPER, "..", "results", "schema", "report.example.json"), "rb") as source:
            report = loading.load(source.read())
        self.assertEqual(report.stamp(), "emulated, indicative")

    def test_unknown_members_and_metrics_are_passed_over(self):
        document = synthetic.document("ok")
        document["future"] = {"x": [1]}
        document["samples"][0]["metrics"]["new.metric"] = 1
        self.assertNotIn("new.metric", loading.load(support.encode(document)).samples[0].metrics)

    def test_optional_members_may_be_null(self):
        document = synthetic.document("ok")
        for name in ("comparisons", "claims", "controls", "promises", "storage", "failures"):
            document[name] = None
        self.assertEqual(loading.load(support.encode(document)).comparisons, ())

    def test_samples_come_in_running_order(self):
        document = synthetic.document("ok")
        document["samples"].reverse()
        places = [(sample.block, sample.order) for sample in loading.load(support.encode(document)).samples]
        self.assertEqual(places, sorted(places))

    def test_an_interval_without_a_bound_is_none(self):
        self.assertIsNone(loading.load(changed(["comparisons", 0, "ci90"], [None, 1.2])).comparisons[0].ci90)

    def test_emulation_is_stamped_even_if_no_verdict_says_so(self):
        document = synthetic.document("ok")
        for row in document["comparisons"] + document["claims"]:
            row["stamp"] = ""
        self.assertEqual(loading.load(support.encode(document)).stamp(), "emulated, indicative")

    def test_kvm_is_not_stamped(self):
        self.assertEqual(support.report_of("kvm").stamp(), "")


if __name__ == "__main__":
    unittest.main()
