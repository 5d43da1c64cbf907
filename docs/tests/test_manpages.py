# SPDX-License-Identifier: MIT
"""The man pages: scdoc takes them, and they tell of exactly the options, words, exit codes and findings that there are."""
import re
import shutil
import unittest

import grammar
import manpage
import support
import usage

PAGES = {path.stem: path for path in sorted(support.MAN.glob("*.scd"))}
# Pages of others that ours refer to.
FOREIGN = {"mount(8)", "fusermount3(1)", "chattr(1)", "fsync(2)", "sync(2)", "syncfs(2)"}
COMMON = {"-h", "--help"}


def read(name):
    return manpage.ManPage(PAGES[name].read_text(encoding="utf-8"))


def source(name):
    return (support.ROOT / name).read_text(encoding="utf-8")


def options_by_scope(page, scopes):
    """Command -> options of the terms that are said to be of it."""
    found = {scope: set() for scope in scopes}
    for term in page.terms:
        for scope in term.scope:
            found.setdefault(scope, set()).update(word for word in term.bold if word.startswith("-"))
    return found


def array(text, name):
    """The string literals of a C++ array or of a function's body, up to the first closing "})" or "}"."""
    begin = text.index(name)
    end = min(at for at in (text.find("});", begin), text.find("\n}\n", begin)) if at >= 0)
    return re.findall(r'"([A-Za-z_=-]+)"', text[begin:end])


class Form(unittest.TestCase):
    def test_there_are_six(self):
        self.assertEqual(set(PAGES), {"blendfs.8", "blendctl.8", "blendbench.1", "blendbench-cluster.1", "blendbench-spec.5", "blendbench-claims.5"})

    def test_title_sections_and_references(self):
        titles = {f"{page.title.group(1)}({page.title.group(2)})" for page in map(read, PAGES)}
        for name in PAGES:
            page, text = read(name), PAGES[name].read_text(encoding="utf-8")
            with self.subTest(name):
                self.assertEqual(f"{page.title.group(1)}.{page.title.group(2)}", name)
                self.assertEqual(page.sections[0], "NAME")
                self.assertEqual(page.sections[-1], "SEE ALSO")
                self.assertIn("DESCRIPTION", page.sections)
                self.assertTrue(any("EXAMPLES" in section for section in page.sections))
                references = {f"{one}({two})" for one, two in re.findall(r"\*([\w.-]+)\*\((\d)\)", text)}
                self.assertEqual(references - titles - FOREIGN, set())

    def test_scdoc_takes_them(self):
        if not shutil.which("scdoc"):
            self.skipTest("scdoc is not installed")
        for name, path in PAGES.items():
            with self.subTest(name):
                status, out, err = support.run("scdoc", text=path.read_text(encoding="utf-8"))
                self.assertEqual((status, err), (0, ""))
                self.assertIn(".SH NAME", out)

    def test_scdoc_refuses_a_broken_one(self):
        if not shutil.which("scdoc"):
            self.skipTest("scdoc is not installed")
        broken = PAGES["blendfs.8"].read_text(encoding="utf-8") + "\n  spaces where a tab has to be\n"
        self.assertNotEqual(support.run("scdoc", text=broken)[0], 0)

    def test_they_are_set_without_a_warning(self):
        if not shutil.which("scdoc") or not shutil.which("groff"):
            self.skipTest("scdoc or groff is not installed")
        for name, path in PAGES.items():
            with self.subTest(name):
                _, roff, _ = support.run("scdoc", text=path.read_text(encoding="utf-8"))
                status, _, err = support.run("groff", "-man", "-t", "-Tutf8", "-Kutf8", "-ww", "-z", text=roff)
                self.assertEqual((status, err), (0, ""))


class Options(unittest.TestCase):
    """Those of --help, both ways."""

    def test_blendfs_switches(self):
        told = {word for term in read("blendfs.8").in_section("Switches") for word in term.bold if word.startswith("-")}
        self.assertEqual(told, grammar.of("blendfs").commands[""])

    def test_blendfs_words(self):
        told = {key for term in read("blendfs.8").in_section("Mount options") for key in usage.manpage_keys(term)}
        self.assertEqual(told, set(grammar.of("blendfs").words))

    def test_every_word_of_the_source_is_told(self):
        page, text = read("blendfs.8"), source("unionfs/tools/option_words.cc")
        there = set()
        for name in ("kFlagWords", "kIgnoredWords", "kIgnoredPrefixes", "kKernelPrefixes", "bool IsOverlayKey", "bool IsKeyWithValue"):
            there.update(array(text, name))
        there.update(re.findall(r'word == "(\w+)"', text))
        there = {word.rstrip("=") for word in there}
        self.assertGreater(len(there), 60)
        told = {key for term in page.in_section("Mount options", usage.manpage_section()) for key in usage.manpage_keys(term)}
        self.assertEqual(told, there)

    def test_ranges_of_blendfs(self):
        there = {key: (low.replace("'", ""), high.replace("'", "")) for key, low, high in re.findall(
            r'key == "(\w+)"\).{0,120}?ParseNumber\(key, value, ([\d\']+), ([\d\']+)', source("unionfs/tools/option_words.cc"), re.DOTALL)}
        self.assertEqual(set(there), {"threads", "descriptors", "spin"})
        told = {usage.manpage_keys(term)[0]: term.text for term in read("blendfs.8").in_section("Mount options")}
        for key, (low, high) in there.items():
            self.assertIn(f"{low} to {high}", told[key], key)

    def test_blendctl(self):
        page, known = read("blendctl.8"), grammar.of("blendctl")
        commands = {name: options for name, options in known.commands.items() if name}
        self.assertEqual(options_by_scope(page, commands), commands)
        told = {word for term in page.in_section("OPTIONS") for word in term.bold if word.startswith("-")}
        self.assertEqual(told, known.commands[""])
        self.assertEqual({section.split()[1] for section in page.sections if section.startswith("blendctl ")}, set(commands))

    def test_blendbench(self):
        known = grammar.of("blendbench")
        commands = {name: options - COMMON for name, options in known.commands.items() if name and name != "baseline"}
        found = {}
        for page in (read(name) for name in PAGES if name.endswith(".1")):
            for name, options in options_by_scope(page, commands).items():
                found[name] = found.get(name, set()) | options
        self.assertEqual(found, commands)
        told = {word for term in read("blendbench.1").in_section("OPTIONS") if not term.scope for word in term.bold}
        self.assertEqual(told, known.commands[""])


class Lists(unittest.TestCase):
    """What the pages list beside options."""

    def test_exit_codes_of_blendbench(self):
        there = set(re.findall(r"k\w+\s*=\s*(\d+),", source("harness/base/exit_code.h")))
        self.assertEqual({row[0] for section, row in read("blendbench.1").rows if section == "EXIT STATUS"}, there)

    def test_exit_codes_of_blendfs_and_blendctl(self):
        for name, file in (("blendfs.8", "blendfs.cc"), ("blendctl.8", "blendctl.cc")):
            with self.subTest(name):
                there = set(re.findall(r"constexpr int kExit\w+ = (\d+);", source(f"unionfs/tools/{file}"))) | {"0"}
                self.assertEqual({term.bold[0] for term in read(name).in_section("EXIT STATUS")}, there)

    def test_findings(self):
        text = source("unionfs/inspect/check_tree.cc") + source("unionfs/inspect/check_work.cc")
        there = set(re.findall(r'Note\("(\w+)"', text))
        self.assertGreater(len(there), 8)
        told = {word for term in read("blendctl.8").in_section("blendctl check") for word in term.bold if not word.startswith("-")}
        self.assertEqual(told, there)

    def test_words_of_diff(self):
        body = source("unionfs/inspect/changes.cc").split("const char* ChangeWord", 1)[1].split("\n}\n", 1)[0]
        there = set(re.findall(r'return "(\w+)"', body)) - {"same"}
        text = PAGES["blendctl.8"].read_text(encoding="utf-8").split("## blendctl diff", 1)[1].split("##", 1)[0]
        self.assertEqual({word for word in there if f"_{word}_" not in text}, set())

    def test_engines(self):
        body = source("harness/spec/engine.cc").split("BuiltInEngines() {", 1)[1].split("\n}\n", 1)[0]
        there = set(re.findall(r'(?:name = |Program\(|BlockEngine\()"([\w-]+)"', body))
        there |= set(re.findall(r'constexpr const char\* k(?:Chain|Export)Engine = "([\w-]+)"', source("harness/spec/engine.h")))
        told = {word for term in read("blendbench-spec.5").in_section("ENGINES") for word in term.bold}
        self.assertEqual(told, there)

    def test_checks(self):
        text = source("harness/gate/promises.cc") + source("harness/gate/promises.h")
        there = set(re.findall(r'^\s+\{"([\w-]+)", "', text, re.MULTILINE)) | set(re.findall(r'constexpr const char\* k\w+ = "([\w-]+)"', text))
        self.assertEqual(len(there), 14)
        self.assertEqual(set(read("blendbench-claims.5").lists["checks"]), there)


class Reader(unittest.TestCase):
    """The reader of man pages itself."""

    def test_scopes_terms_and_lists(self):
        page = manpage.ManPage("x(1)\n; SPDX\n\n# NAME\n\nx - y\n\n# OPTIONS\n; for: a b\n; for: c\n*-f*, *--far* _N_\n\tFar.\n\tVery.\n\n"
                               "; for: d\n*--near*\n\tNear.\n\n*bold* text without more.\n\n## Others\n\n*\\_x*\n\tX.\n\n; list: names\n*p*, *q*\n*r*\n\tR.\n\n"
                               "```\n*no*\n\tterm\n```\n\n[[ *0*\n:[ done\n|  *1*\n:  not\n")
        self.assertEqual([(sorted(term.scope), term.bold, term.text) for term in page.terms],
                         [(["a", "b", "c"], ["-f", "--far"], "Far. Very."), (["d"], ["--near"], "Near."), ([], ["_x"], "X.")])
        self.assertEqual(page.lists, {"names": ["p", "q", "r"]})
        self.assertEqual([row for _, row in page.rows], [["0"], ["1"]])
        self.assertEqual(page.literals, [("Others", "*no*\n\tterm")])

    def test_an_option_more_or_less_is_seen(self):
        page = manpage.ManPage("x(1)\n\n# A\n; for: run\n*--json*\n\tJ.\n")
        self.assertNotEqual(options_by_scope(page, ["run"]), {"run": {"--json", "--out"}})
        self.assertNotEqual(options_by_scope(page, ["run", "plan"]), {"run": {"--json"}, "plan": {"--json"}})
        self.assertEqual(options_by_scope(page, ["run"]), {"run": {"--json"}})


if __name__ == "__main__":
    unittest.main()
