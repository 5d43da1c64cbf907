# SPDX-License-Identifier: MIT
"""The optional members: dimension, settings, engines, disk by users, upgrades. What they say, and what is refused."""

import copy
import json
import os
import unittest

import support
import loading
import page_growth
import page_strategy
import reader
import render
import schema_check
import synthetic_answers
from test_page import check_html, visible


def load(document):
    return loading.load(support.encode(document))


class Members(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.document = synthetic_answers.document("strategies")
        cls.report = load(cls.document)

    def test_the_contract_s_example(self):
        path = os.path.join(support.PAPER, "..", "results", "schema", "report.experiments.example.json")
        with open(path, "rb") as source:
            data = source.read()
        self.assertEqual(schema_check.problems(json.loads(data)), [])
        report = loading.load(data)
        self.assertEqual((report.dimension.name, report.arm("fine-blendfs").at), ("guests", 2))
        self.assertEqual(dict(report.arm("coarse").settings)["images.system"], "system_ext4")
        self.assertEqual(len(report.storage_growth.rows), 4)
        self.assertEqual(len(report.engines), 2)
        check_html(self, render.page(report, [], "r.json"))

    def test_synthetic_members_are_as_the_schema_says(self):
        for name in ("storage_growth", "upgrades", "engines", "arms", "promises"):
            found = [line for line in schema_check.problems(self.document) if line.startswith(f".{name}")]
            self.assertEqual(found, [])

    def test_what_does_not_fit_is_named(self):
        for change, part in (
                (lambda d: d["storage_growth"]["arms"][0].update(arm="none"), "storage_growth.arms[0].arm: no arm has the id"),
                (lambda d: d["storage_growth"]["arms"].append(d["storage_growth"]["arms"][0]), "is there twice"),
                (lambda d: d["storage_growth"]["arms"][0].update(per_user_bytes=None), "storage_growth.arms[0].per_user_bytes: expected a number"),
                (lambda d: d["storage_growth"]["arms"][0].update(per_user_bytes=-1), "per_user_bytes: -1 is out of range"),
                (lambda d: d["storage_growth"]["arms"][0].update(per_user_bytes=1), "is not between per_user_min and per_user_max"),
                (lambda d: d["storage_growth"]["arms"][0].update(measured_users=0), "measured_users: 0 is out of range"),
                (lambda d: d["storage_growth"].update(users=[0]), "storage_growth.users[0]: 0 is out of range"),
                (lambda d: d["storage_growth"].update(arms=None), "storage_growth.arms: expected a list"),
                (lambda d: d["upgrades"][0].update(booted=6), "upgrades[0].booted: 6 of 5 cannot be"),
                (lambda d: d["upgrades"][0].update(exchange_s=[None]), "upgrades[0].exchange_s[0]: expected a number"),
                (lambda d: d["upgrades"].append(d["upgrades"][0]), "is there twice"),
                (lambda d: d["engines"].append({"name": "blendfs"}), "engines[4].name: 'blendfs' is there twice"),
                (lambda d: d["arms"][0].update(at="one"), "arms[0].at: expected a number"),
                (lambda d: d["arms"][0].update(settings=[1]), "arms[0].settings: expected an object"),
                (lambda d: d["arms"][0].update(settings={"a": {"b": {"c": 1}}}), "arms[0].settings.a.b: expected a number, found an object"),
                (lambda d: d["arms"][0].update(settings={str(n): n for n in range(50)}), "arms[0].settings: has more than the 40"),
                (lambda d: d.update(dimension={"label": "x"}), "dimension.name: expected text")):
            document = copy.deepcopy(self.document)
            change(document)
            with self.assertRaises(reader.InvalidInput) as caught:
                load(document)
            self.assertIn(part, str(caught.exception))

    def test_all_may_be_missing_or_empty(self):
        document = copy.deepcopy(self.document)
        for name, empty in (("storage_growth", {"arms": []}), ("upgrades", []), ("engines", []), ("dimension", None)):
            document[name] = empty
        text = render.page(load(document), [], "r.json")
        check_html(self, text)
        self.assertNotIn('id="disk"', text)
        self.assertNotIn('id="upgrades"', text)


class Words(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.report = load(synthetic_answers.document("strategies"))

    def test_disk_is_counted_against_the_monolithic_arm(self):
        told = page_growth.disk(self.report)
        self.assertEqual(told["against"], "monolithic")
        by_arm = {row[0]: row[-1] for row in told["rows"]}
        self.assertEqual(by_arm["monolithic"], "what is compared with")
        own = {row.arm: row for row in self.report.storage_growth.rows}
        share = 1 - own["fine-blendfs"].total(1000) / own["monolithic"].total(1000)
        self.assertEqual(by_arm["fine, blendfs"], f"{share * 100:.3g}\u00a0%")
        self.assertAlmostEqual(own["coarse"].total(10), 620e6 + 10 * 310e6)

    def test_upgrades_say_what_cannot_be(self):
        rows = {row["id"]: row for row in page_growth.upgrades(self.report)}
        self.assertIn("changes to one very image", rows["block-qcow2"]["why"])
        self.assertFalse(rows["block-qcow2"]["possible"])
        cells = {cell["label"]: (cell["text"], cell["tone"]) for cell in rows["fine-unionfs-fuse"]["cells"]}
        self.assertEqual(cells["Overrides kept"], ("✗ 4/5", "bad"))
        self.assertEqual(cells["Updates seen"], ("✓ 5/5", "good"))
        self.assertEqual(cells["File system clean"], ("not checked", ""))
        self.assertEqual(cells["Exchange, one user"][0], "0.110 s (0.100 to 0.400)")

    def test_settings_read_as_words(self):
        self.assertEqual(page_strategy.settings_words(self.report, self.report.arm("virtiofs")), ["512 MiB of memory", "disk limited to 50 MB/s"])
        self.assertEqual(page_strategy.settings_words(self.report, self.report.arm("fine-blendfs-erofs")), ["system image: system_erofs"])
        guests = load(synthetic_answers.document("guests"))
        self.assertEqual(page_strategy.settings_words(guests, guests.arm("coarse-4")), ["guests at once: 4.00", "256 MiB of memory"])

    def test_the_page_has_it_all(self):
        text = render.page(self.report, [], "r.json")
        check_html(self, text)
        for part in ("blocks of a user are changes to one very image", "user 3: a deleted file is back", "Disk space by the number of users"):
            self.assertIn(part, visible(text))

    def test_hostile_text_stays_text(self):
        report = load(synthetic_answers.document("hostile"))
        for text in (render.page(report, [], "r.json"), *render.strategy_pages(report).values()):
            check_html(self, text)
            self.assertNotIn("<script>alert", text)
            for forbidden in ("\x1b", "\x00", "\u202e"):
                self.assertNotIn(forbidden, text)


if __name__ == "__main__":
    unittest.main()
