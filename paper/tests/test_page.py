# SPDX-License-Identifier: MIT
"""The words of the page and the page itself, without drawings."""

import dataclasses
import html.parser
import math
import re
import unittest

import support
import crosscheck
import loading
import page
import render
import synthetic
import words

# Places of the page itself, and between the pages of reports, of strategies and of all experiments.
_OWN = re.compile(r"#.*|[a-z0-9-]+/report\.html|strategies/[a-z0-9-]+\.html|\.\./report\.html(#strategies)?")
_VOID = {"meta", "br", "img", "link", "input", "hr"}


class _Checker(html.parser.HTMLParser):
    """Well nested, ids unique, nothing active, nothing from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.ids = []
        self.problems = []
        self.tags = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name.startswith("on") or name in ("src", "srcset") or (name == "href" and not _OWN.fullmatch(value)):
                self.problems.append(f"<{tag} {name}={value!r}>")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> does not match")


def check_html(test, text):
    checker = _Checker()
    checker.feed(text)
    test.assertEqual(checker.problems, [])
    test.assertEqual(checker.open, [])
    test.assertEqual(len(checker.ids), len(set(checker.ids)))
    test.assertFalse(checker.tags & {"script", "iframe", "object", "embed", "form", "img", "link"})
    return checker


def visible(text):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", re.sub(r"<style>.*?</style>", "", text, flags=re.S)))


class Html(unittest.TestCase):
    def test_every_kind_makes_a_sound_page(self):
        for kind in support.KINDS:
            with self.subTest(kind=kind):
                check_html(self, render.page(support.report_of(kind), [], "report.json"))

    def test_hostile_text_stays_text(self):
        text = render.page(support.report_of("hostile"), [], "x'; rm -rf $HOME; '.json")
        self.assertNotIn("<script>alert", text)
        self.assertIn("&lt;script&gt;alert(1)", text)
        self.assertIn("{{7*7}}", text)
        for forbidden in ("\x1b", "\x00", "\x07", "\u202e"):
            self.assertNotIn(forbidden, text)
        self.assertLess(max(len(line) for line in text.splitlines()), 20000)
        self.assertIn("&#39;x&#39;&#34;&#39;&#34;&#39;; rm", text)

    def test_verdicts_come_before_everything_else(self):
        text = render.page(support.report_of("ok"), [], "r.json")
        order = [text.index(f'id="{name}"') for name in ("verdicts", "advice", "matrix", "strategies", "promises", "controls", "calibration", "tables", "failures", "provenance", "again")]
        self.assertEqual(order, sorted(order))

    def test_emulated_verdicts_carry_the_stamp_inside(self):
        text = render.page(support.report_of("ok"), [], "r.json")
        badges = re.findall(r'<span class="badge.*?</b>(.*?)</span></span>', text)
        self.assertGreater(len(badges), 50)
        for badge in badges:
            self.assertIn("emulated, indicative", badge)

    def test_decided_verdicts_do_not(self):
        self.assertNotIn("indicative", visible(render.page(support.report_of("kvm"), [], "r.json")))

    def test_never_says_no_difference(self):
        for kind in support.KINDS:
            self.assertNotIn("no difference", visible(render.page(support.report_of(kind), [], "r.json")).lower())

    def test_same_input_same_page(self):
        one, two = (render.page(support.report_of("failures"), [], "r.json") for _ in range(2))
        self.assertEqual(one, two)

    def test_says_when_the_run_is_not_complete(self):
        self.assertIn("8 of 10 planned blocks", visible(render.page(support.report_of("failures"), [], "r.json")))


class Words(unittest.TestCase):
    def test_change_is_in_the_metric_s_own_direction(self):
        report = support.report_of("kvm")
        for name, sign in (("boot.total_s", "+"), ("fio.app_write_1m_mbps", "−")):
            row = report.comparison(name, "fine-blendfs")
            self.assertGreater(row.ratio, 1)
            self.assertTrue(page._change(report.metric(name), row).startswith(sign))

    def test_cells_of_promises(self):
        document = synthetic.document("kvm")
        cells = document["promises"][0]["arms"]
        cells["fine-blendfs"] = {"held": 7, "of": 8, "expected": True}
        cells["coarse-aa"] = {"held": 2, "of": 8, "expected": False}
        cells["monolithic"] = {"held": 0, "of": 0, "expected": True}
        promises = page._promises(loading.load(support.encode(document)))
        states = {arm.id: cell["state"] for arm, cell in zip(promises["arms"], promises["rows"][0]["cells"])}
        self.assertEqual(states, {"coarse": "lacking", "coarse-aa": "surplus", "monolithic": "none", "fine-blendfs": "broken",
                                  "fine-overlayfs": "kept"})
        self.assertEqual(promises["broken"], ["the user image's configuration wins: fine, blendfs"])

    def test_geometric_mean_needs_logarithms(self):
        document = synthetic.document("ok")
        document["samples"][0]["metrics"]["boot.merge_s"] = 0
        report = loading.load(support.encode(document))
        self.assertIsNone(report.geometric_mean(document["samples"][0]["arm"], "boot.merge_s"))
        check_html(self, render.page(report, [], "r.json"))

    def test_geometric_mean(self):
        report = support.report_of("ok")
        values = report.values("coarse", "boot.total_s")
        self.assertAlmostEqual(report.geometric_mean("coarse", "boot.total_s"), math.prod(values)**(1 / len(values)), places=9)

    def test_a_part_against_another_arm_than_the_reference(self):
        report = support.report_of("ok")
        claim = next(claim for claim in report.claims if any(part.metric == "boot.total_s" for part in claim.parts))
        part = next(part for part in claim.parts if part.metric == "boot.total_s")
        own, others = (dict(report.comparison(part.metric, arm).pairs) for arm in ("fine-blendfs", "fine-overlayfs"))
        logs = [own[block] - others[block] for block in own if block in others]
        told = page._part(report, claim, dataclasses.replace(part, reference="fine-overlayfs", smallest_margin=0.25))
        self.assertTrue(told["ratio"].startswith(words.ratio(math.exp(math.fsum(logs) / len(logs))) + " ("), told["ratio"])
        self.assertEqual(told["smallest"], "25\u00a0%")
        self.assertIsNotNone(told["strip"])
        without = dataclasses.replace(report, comparisons=tuple(row for row in report.comparisons if row.arm != "fine-overlayfs"))
        self.assertEqual(page._part(without, claim, dataclasses.replace(part, reference="fine-overlayfs"))["ratio"], "")

    def test_strip_stays_inside_its_drawing(self):
        for row in support.report_of("many").comparisons:
            strip = page._strip(row, 0.05)
            for place in strip["band"] + strip["interval"] + (strip["estimate"],):
                self.assertTrue(0 <= place <= 100)


class CrossCheck(unittest.TestCase):
    def test_agrees_with_what_samples_say(self):
        outcome = crosscheck.check(support.report_of("ok"))
        self.assertEqual((outcome.agreeing, outcome.problems), (outcome.comparisons, ()))

    def tampered(self, change):
        document = synthetic.document("ok")
        change(document)
        report = loading.load(support.encode(document))
        self.assertIn("do not agree", visible(render.page(report, [], "r.json")))
        return crosscheck.check(report).problems

    def test_finds_a_changed_sample(self):
        def change(document):
            sample = next(sample for sample in document["samples"] if sample["arm"] == "monolithic")
            sample["metrics"]["boot.total_s"] *= 1.5
        self.assertEqual(len(self.tampered(change)), 1)

    def test_finds_a_changed_ratio_sign_or_count(self):
        def ratio(document):
            document["comparisons"][0]["ratio"] *= 1.01

        def sign(document):
            for pair in document["comparisons"][0]["pairs"]:
                pair["log_ratio"] = -pair["log_ratio"] + 0.1

        def count(document):
            document["comparisons"][0]["n"] += 1
        for change in (ratio, sign, count):
            with self.subTest(change=change.__name__):
                self.assertEqual(len(self.tampered(change)), 1)


if __name__ == "__main__":
    unittest.main()
