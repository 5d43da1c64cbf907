# SPDX-License-Identifier: MIT
"""blendbench-spec(5) and blendbench-claims(5) name exactly the keys, ranges and words that the parsers accept, and their examples parse."""
import pathlib
import re
import tempfile
import unittest

import manpage
import specfiles
import support

GUESTS, HOST = "(guests)", "(host)"


def read(name):
    return manpage.ManPage((support.MAN / name).read_text(encoding="utf-8"))


def keys_by_table(page):
    """Table ("" for the file itself) -> {key: term}."""
    tables = {}
    for term in page.terms:
        match = re.match(r"^\[+([a-z._]+)\]+$", term.section)
        name = match.group(1) if match else ""
        if match or term.section in ("THE EXPERIMENT", "THE FILE"):
            tables.setdefault(name, {}).update({term.bold[0]: term} if "* = " in term.line else {})
    return tables


def marked(page, table):
    """What the page says of a whole table: "(guests)" or "(host)" at the start of its text."""
    text = (support.MAN / page).read_text(encoding="utf-8")
    match = re.search(rf"^## \[+{re.escape(table)}\]+\n\n(\(guests\)|\(host\))", text, re.MULTILINE)
    return match.group(1) if match else ""


def range_in(line):
    """(least, most) of "0 to 600" in a term's line, or None."""
    match = re.search(r"(-?[\d.]+) to (-?[\d.]+)", line)
    return (float(match.group(1)), float(match.group(2))) if match else None


class Keys(unittest.TestCase):
    def setUp(self):
        support.program("blendbench")  # skips

    def test_keys_of_guests_experiments(self):
        page = keys_by_table(read("blendbench-spec.5.scd"))
        for table, place in specfiles.GUEST_TABLES.items():
            with self.subTest(table):
                told = {key for key, term in page[table].items() if HOST not in term.line}
                # The top level is one list for both kinds; what is out of place is refused by its own words.
                self.assertEqual(told if table else set(page[table]), specfiles.keys_of(place))

    def test_keys_of_hosts_experiments(self):
        page = keys_by_table(read("blendbench-spec.5.scd"))
        for table, place in specfiles.HOST_TABLES.items():
            with self.subTest(table):
                told = {key for key, term in page[table].items() if GUESTS not in term.line}
                there = specfiles.keys_of(place)
                # Of a handicap all keys are known, and the one for guests is refused by its own words.
                self.assertEqual(told if table not in ("", "arm.handicap") else set(page[table]), there)

    def test_every_table_is_told(self):
        there = set(specfiles.GUEST_TABLES) | set(specfiles.HOST_TABLES)
        self.assertEqual(set(keys_by_table(read("blendbench-spec.5.scd"))), there)
        for table in set(specfiles.GUEST_TABLES) - set(specfiles.HOST_TABLES):
            self.assertEqual(marked("blendbench-spec.5.scd", table), GUESTS, table)
        for table in set(specfiles.HOST_TABLES) - set(specfiles.GUEST_TABLES):
            self.assertEqual(marked("blendbench-spec.5.scd", table), HOST, table)

    def test_what_is_of_one_kind_alone_is_refused_by_the_other(self):
        for key, term in keys_by_table(read("blendbench-spec.5.scd"))[""].items():
            value = {"_text_": '"x"', "_integer_": "1", "_flag_": "true", "_list_": '["x"]', "table": "{}", "tables": "[]"}[
                re.search(r" = (\w+)", term.line.replace("*", "")).group(1)]
            with self.subTest(key):
                if HOST in term.line:
                    self.assertIn("belongs to substrate", specfiles.complaint(f"{specfiles.GUEST}{key} = {value}\n{specfiles.GUEST_ARM}"))

    def test_keys_of_claims(self):
        page = keys_by_table(read("blendbench-claims.5.scd"))
        self.assertEqual(set(page[""]), specfiles.keys_of_claims(False))
        self.assertEqual(set(page["claim"]), specfiles.keys_of_claims(True))


class Ranges(unittest.TestCase):
    """A number that is out of every range is refused with the range, which is the page's."""

    def setUp(self):
        support.program("blendbench")  # skips

    def check_table(self, terms, before, after, claims=False):
        for key, term in terms.items():
            number = re.search(r"= _(integer|number)_", term.line)
            if not number:
                self.assertIsNone(range_in(term.line), term.line)
                continue
            huge = "-9223372036854775807" if number.group(1) == "integer" else "-1e300"
            text = re.sub(rf"(?m)^{key} = .*\n", "", before) + f"{key} = {huge}\n{after}"
            line = specfiles.complaint(specfiles.GUEST + specfiles.GUEST_ARM, text) if claims else specfiles.complaint(text)
            with self.subTest(key):
                self.assertEqual(range_in(term.line), specfiles.range_of(line, key))

    def test_specs(self):
        page = keys_by_table(read("blendbench-spec.5.scd"))
        for table, (before, after) in {**specfiles.HOST_TABLES, **specfiles.GUEST_TABLES}.items():
            with self.subTest(table):
                self.check_table({key: term for key, term in page[table].items() if table not in specfiles.GUEST_TABLES or HOST not in term.line},
                                 before, after)

    def test_claims(self):
        page = keys_by_table(read("blendbench-claims.5.scd"))
        self.check_table(page[""], "", specfiles.CLAIM, claims=True)
        self.check_table(page["claim"], specfiles.CLAIM, "", claims=True)


class Words(unittest.TestCase):
    """Lists of words that the parsers accept."""

    def setUp(self):
        support.program("blendbench")  # skips

    def check_choice(self, before, key, after, term):
        there = specfiles.allowed(specfiles.complaint(f'{before}{key} = "{specfiles.UNKNOWN}"\n{after}'))
        for word in there:
            self.assertIn(f'"{word}"', f"{term.line} {term.text}", f"{key}: {word} is not told")

    def test_choices_of_specs(self):
        page = keys_by_table(read("blendbench-spec.5.scd"))
        guest, arm = specfiles.GUEST, '[[arm]]\nid = "a"\nreference = true\n'
        self.check_choice(guest, "substrate", specfiles.GUEST_ARM, page[""]["substrate"])
        self.check_choice(guest + arm, "layout", "", page["arm"]["layout"])
        self.check_choice(guest + specfiles.GUEST_ARM, "user_at", "", page["arm"]["user_at"])
        self.check_choice(guest + specfiles.GUEST_ARM + '[[job]]\nid = "j"\n', "family", "", page["job"]["family"])
        self.check_choice(guest + specfiles.GUEST_ARM + "[guest]\n", "console", "", page["guest"]["console"])

    def test_choices_of_claims(self):
        page = keys_by_table(read("blendbench-claims.5.scd"))
        for key in ("role", "rule"):
            text = re.sub(rf"(?m)^{key} = .*\n", "", specfiles.CLAIM) + f'{key} = "{specfiles.UNKNOWN}"\n'
            there = specfiles.allowed(specfiles.complaint(specfiles.GUEST + specfiles.GUEST_ARM, text))
            for word in there:
                self.assertIn(f'"{word}"', page["claim"][key].text)

    def test_cases_and_programs(self):
        page = read("blendbench-spec.5.scd")
        cases = specfiles.allowed(specfiles.complaint('name = "x"\nsubstrate = "host"\n' + specfiles.HOST_ARM))
        self.assertEqual(page.lists["cases"], cases)
        programs = specfiles.allowed(specfiles.complaint(f'{specfiles.GUEST}programs = ["{specfiles.UNKNOWN}"]\n{specfiles.GUEST_ARM}'))
        self.assertEqual(page.lists["programs"], programs)


class Examples(unittest.TestCase):
    def test_examples_of_the_pages_parse(self):
        specs = [text for section, text in read("blendbench-spec.5.scd").literals if section == "EXAMPLES"]
        claims = [text for section, text in read("blendbench-claims.5.scd").literals if section == "EXAMPLES"]
        self.assertEqual((len(specs), len(claims)), (2, 1))
        for spec in specs:
            self.assertEqual(specfiles.plan(spec)[0], 0, specfiles.plan(spec)[1])
        self.assertEqual(specfiles.plan(specs[0], claims[0])[0], 0)

    def test_examples_of_the_folder_parse(self):
        support.program("blendbench")  # skips
        folder = support.DOCS / "examples"
        for spec in ("engine.toml", "workload.toml"):
            for claims in ("claims.toml", None):
                more = ["--claims", folder / claims] if claims else []
                with self.subTest(spec):
                    status, _, err = support.run(support.program("blendbench"), "plan", folder / spec, *more)
                    self.assertEqual(status, 0, err)

    def test_jobs_of_the_folder_use_known_variables(self):
        text = (support.ROOT / "harness/spec/job_text.cc").read_text(encoding="utf-8")
        there = set(re.findall(r'\{"(BENCH_\w+)",', text))
        self.assertEqual(len(there), 6)
        for path in (support.DOCS / "examples/jobs").glob("*.fio"):
            self.assertLessEqual(set(re.findall(r"\$\{(\w+)\}", path.read_text(encoding="utf-8"))), there)
        told = read("blendbench-spec.5.scd")
        self.assertEqual(set(re.findall(r"\$\{(\w+)\}", " ".join(term.text for term in told.terms))), there)


class Program(unittest.TestCase):
    """The script of a program in extending.md, with fewer lines."""

    def test_it_works_and_notices_a_wrong_result(self):
        fences = support.page(support.DOCS / "extending.md").fences
        script = next("\n".join(line for _, line in fence.lines) for fence in fences if fence.lines and fence.lines[0][1] == "#!/bin/sh")
        with tempfile.TemporaryDirectory(prefix="docs-test-") as folder:
            path = pathlib.Path(folder) / "sort.sh"
            path.write_text(script.replace("300000", "3000"), encoding="utf-8")
            for verb in ("prepare", "run", "check"):
                status, _, err = support.run("sh", path, verb, folder)
                self.assertEqual((status, err), (0, ""))
            good = (pathlib.Path(folder) / "sorted").read_text(encoding="utf-8")
            for spoilt in (good.split("\n", 1)[1], "z\n" + good.split("\n", 1)[1]):
                (pathlib.Path(folder) / "sorted").write_text(spoilt, encoding="utf-8")
                self.assertEqual(support.run("sh", path, "check", folder)[0], 1)


class Readers(unittest.TestCase):
    """What is read of the parsers' lines."""

    def test_lines(self):
        self.assertEqual(specfiles.known_keys('x.toml:1: unknown key "q" in arm; known keys: id, label'), {"id", "label"})
        self.assertEqual(specfiles.range_of('x:2: arm: "layers" is 99; it must be 1 to 64', "layers"), (1, 64))
        self.assertEqual(specfiles.allowed('x:2: arm: unknown layout "q"; it must be one of: a, b-c'), ["a", "b-c"])
        for read_line in (specfiles.known_keys, specfiles.allowed, lambda line: specfiles.range_of(line, "layers")):
            with self.assertRaises(AssertionError):
                read_line('x.toml:1: unknown key "label_" in arm; did you mean "label"?')
        self.assertEqual(range_in("*at* = _number_, -1000 to 0.5 (guests)"), (-1000, 0.5))
        self.assertIsNone(range_in("*id* = _text_, needed"))

    def test_a_key_more_or_less_is_seen(self):
        page = manpage.ManPage("x(5)\n\n# THE FILE\n\n*a* = _text_\n\tA.\n\n# TABLES\n\n## [[claim]]\n\n*b* = _text_\n\tB.\n\n*c*\n\tNo key.\n")
        self.assertEqual({table: set(keys) for table, keys in keys_by_table(page).items()}, {"": {"a"}, "claim": {"b"}})


if __name__ == "__main__":
    unittest.main()
