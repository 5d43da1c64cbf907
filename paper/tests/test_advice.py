# SPDX-License-Identifier: MIT
"""Which strategy is recommended for a need, and above all when none is; and what pages of strategies say."""

import copy
import unittest

import support
import advice
import growth
import loading
import page_advice
import render
import strategies
import synthetic_answers
import synthetic_host
from test_page import check_html, visible

OVERRIDES, UPGRADE, BOOT, WRITES, NAMES, DISK, NO_CODE = advice.NEEDS


def load(document):
    return loading.load(support.encode(document))


def changed(change, kind="strategies"):
    document = copy.deepcopy(synthetic_answers.document(kind))
    change(document)
    return load(document)


class Qualifies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.report = load(synthetic_answers.document("strategies"))

    def test_by_promises(self):
        answer = advice.answer(self.report, OVERRIDES)
        self.assertEqual(set(answer.qualifies), {"monolithic", "fine-blendfs", "fine-blendfs-erofs", "fine-overlayfs", "fine-fuse-overlayfs", "virtiofs", "block-qcow2"})
        out = dict(answer.out)
        self.assertIn("held 0 of 6", out["fine-unionfs-fuse"])
        self.assertIn("held 0 of 6", out["coarse"])
        self.assertEqual(out["block-snapshot"], "1 of 6 samples failed")
        self.assertNotIn("coarse-aa", {**out, **dict.fromkeys(answer.qualifies)})

    def test_what_was_not_tried_does_not_qualify(self):
        def change(document):
            document["promises"] = []
            document["upgrades"] = []
        report = changed(change)
        for need in (OVERRIDES, UPGRADE):
            answer = advice.answer(report, need)
            self.assertEqual((answer.qualifies, answer.best, answer.undecided), ((), (), "no arm qualifies"))
            self.assertIn("not tried", dict(answer.out)["fine-blendfs"])

    def test_by_the_upgrade_experiment(self):
        answer = advice.answer(self.report, UPGRADE)
        self.assertIn("fine-blendfs", answer.qualifies)
        self.assertTrue({"block-qcow2", "fine-unionfs-fuse", "monolithic"}.isdisjoint(answer.qualifies))

    def test_by_code_in_the_guest(self):
        answer = advice.answer(self.report, NO_CODE)
        self.assertEqual(set(answer.qualifies), {"coarse", "coarse-home", "monolithic", "fine-overlayfs", "virtiofs", "block-qcow2"})
        self.assertIn("blendfs daemon", dict(answer.out)["fine-blendfs"])

    def test_an_unknown_engine_is_not_said_to_need_nothing(self):
        def change(document):
            document["arms"][6].update(engine="mine")
        self.assertNotIn("fine-overlayfs", advice.answer(changed(change), NO_CODE).qualifies)


class Best(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.report = load(synthetic_answers.document("strategies"))

    def test_of_those_that_qualify(self):
        self.assertEqual(advice.answer(self.report, UPGRADE).best, ("fine-overlayfs",))
        self.assertEqual(advice.answer(self.report, WRITES).best, ("monolithic",))
        self.assertEqual(set(advice.answer(self.report, WRITES).metrics), {f"fio.path_{kind}write_{size}_mbps" for kind in ("", "rand") for size in ("4k", "64k", "1m")})

    def test_overlap_is_a_tie(self):
        answer = advice.answer(self.report, BOOT)
        self.assertEqual(answer.best, ("coarse", "monolithic", "coarse-home"))

    def test_a_lead_too_small_is_a_tie(self):
        def change(document):
            for row in document["comparisons"]:
                if row["metric"] == "boot.total_s":
                    exact = {"monolithic": -0.01, "coarse-home": 0.03}.get(row["arm"], 0.5)
                    row["pairs"] = [{"block": pair["block"], "log_ratio": exact} for pair in row["pairs"]]
        self.assertEqual(advice.answer(changed(change), BOOT).best, ("monolithic", "coarse"))

    def test_who_lacks_a_metric_has_no_place(self):
        answer = advice.answer(self.report, NAMES)
        self.assertIn("has no figure of", dict(answer.unranked)["fine-unionfs-fuse"])
        self.assertNotIn("fine-unionfs-fuse", {one.arm for one in answer.ranked})

    def test_disk_is_compared_by_its_range(self):
        answer = advice.answer(self.report, DISK)
        self.assertEqual(answer.ranked[0].arm, "fine-blendfs")
        self.assertIn("fine-overlayfs", answer.best)
        self.assertNotIn("monolithic", answer.best)
        self.assertIn("virtiofs", dict(answer.out))


class NotDecided(unittest.TestCase):
    def undecided(self, change, part, need=BOOT):
        answer = advice.answer(changed(change), need)
        self.assertEqual(answer.best, ())
        self.assertIn(part, answer.undecided)
        return answer

    def test_emulated(self):
        def change(document):
            document["run"].update(substrate="tcg", emulated=True)
        self.undecided(change, "emulated guests (substrate tcg)")
        answer = self.undecided(change, "emulated", OVERRIDES)
        self.assertIn("fine-blendfs", answer.qualifies)
        # No order is suggested: as the arms stand in the document.
        self.assertEqual([one.arm for one in answer.ranked][:2], ["monolithic", "fine-blendfs"])
        text = visible(render.page(changed(change), [], "r.json"))
        self.assertIn("Not decided here", text)
        self.assertIn("As measured, in no order", text)
        # Bytes are bytes on any substrate.
        self.assertTrue(advice.answer(changed(change), DISK).best)

    def test_too_few_blocks_unfinished_or_nothing_measured(self):
        short = load(synthetic_answers.document("strategies", blocks=2))
        self.assertEqual(advice.answer(short, WRITES).best, ())
        self.assertIn("only coarse has a place", advice.answer(short, WRITES).undecided)
        self.assertTrue(all("fewer than 3" in why for arm, why in advice.answer(short, WRITES).unranked))
        self.undecided(lambda document: document["run"].update(blocks_planned=9), "not finished: 6 of 9 blocks")
        self.undecided(lambda document: document.update(comparisons=[]), "measured nothing of the kind")
        self.undecided(lambda document: document["arms"][0].update(reference=False), "no reference")
        self.undecided(lambda document: document.pop("storage_growth"), "not measured", DISK)

    def test_along_a_dimension(self):
        answer = advice.answer(load(synthetic_answers.document("guests")), BOOT)
        self.assertEqual((answer.best, "how cost grows" in answer.undecided), ((), True))
        shown = page_advice.context(load(synthetic_answers.document("guests")))["answers"]
        self.assertFalse(any(one["ranked"] for one in shown))

    def test_a_strategy_at_many_places_is_one_answer_about_disk(self):
        document = synthetic_answers.document("guests")
        document["storage_growth"] = synthetic_answers.storage_growth(document["arms"])
        report = load(document)
        placed = growth.series(report)
        ranked = [one.arm for one in advice.answer(report, DISK).ranked]
        self.assertEqual(len(ranked), len(placed))
        self.assertTrue(all(arm in {arms[-1].id for arms in placed.values()} for arm in ranked))

    def test_a_host_is_asked_what_it_can_answer(self):
        report = load(synthetic_host.document())
        titles = [answer["title"] for answer in page_advice.context(report)["answers"]]
        self.assertEqual(titles, [BOOT.title, WRITES.title, NAMES.title, DISK.title])
        self.assertEqual(advice.answer(report, NAMES).best, ("ext4",) if dict(advice.answer(report, NAMES).out).get("blendfs") else ("blendfs",))

    def test_every_synthetic_run_has_answers(self):
        for kind in support.KINDS:
            report = support.report_of(kind)
            for answer in advice.answers(report):
                self.assertEqual(bool(answer.best), not answer.undecided)
                self.assertFalse(answer.best and report.run.emulated and answer.need is not DISK)

    def test_the_rules_are_on_the_page(self):
        text = render.page(support.report_of("kvm"), [], "r.json")
        for number in (f"fewer than {advice.LEAST_BLOCKS} blocks", f"{advice.LEAST_LEAD * 100:g}\u00a0%"):
            self.assertIn(number, text)


class Strategies(unittest.TestCase):
    def test_the_entry_that_fits_best(self):
        report = load(synthetic_answers.document("strategies"))
        titles = {arm.id: strategies.of_arm(arm, False).title for arm in report.arms}
        self.assertNotEqual(titles["coarse"], titles["coarse-home"])
        self.assertEqual(titles["coarse"], titles["coarse-aa"])
        self.assertIn("qcow2", titles["block-qcow2"])
        self.assertIn("virtiofs", titles["virtiofs"])

    def test_every_text_is_whole(self):
        for layout, engine in (("monolithic", ""), ("coarse", ""), ("block", "made-up"), ("fine", "made-up"), ("made-up", "")):
            for change in ({"layout": layout, "engine": engine},):
                report = changed(lambda document, change=change: document["arms"][5].update(change))
                found = strategies.of_arm(report.arms[5], False)
                self.assertTrue(found.title and found.what and found.guest_code)
        host = load(synthetic_host.document())
        self.assertTrue(all(strategies.of_arm(arm, True).what for arm in host.arms))

    def test_pages(self):
        report = load(synthetic_answers.document("strategies"))
        pages = render.strategy_pages(report)
        self.assertEqual(set(pages), {"coarse.html", "coarse-home.html", "monolithic.html", "fine-blendfs.html", "fine-overlayfs.html", "fine-fuse-overlayfs.html",
                                      "fine-unionfs-fuse.html", "fine-virtiofs.html", "block-qcow2.html", "block-dm-snapshot.html"})
        for name, text in pages.items():
            check_html(self, text)
            self.assertIn(f'href="strategies/{name}"', render.page(report, [], "r.json"))
        self.assertIn("Invalidating snapshot", pages["block-dm-snapshot.html"])
        self.assertIn("the store is full", pages["block-dm-snapshot.html"])
        self.assertIn("The system image is EROFS", pages["fine-blendfs.html"])
        self.assertIn("hides deleted files in a way of its own", pages["fine-unionfs-fuse.html"])
        self.assertIn("blocks of a user are changes to one very image", pages["block-qcow2.html"])
        self.assertNotIn("Invalidating", pages["monolithic.html"])

    def test_names_are_safe_and_unique(self):
        def change(document):
            for place, arm in enumerate(document["arms"]):
                arm["engine"] = "../" * 3 + ("a" if place % 2 else "A")
        pages = render.strategy_pages(changed(change))
        for name in pages:
            self.assertRegex(name, r"^[a-z0-9-]+\.html$")


if __name__ == "__main__":
    unittest.main()
