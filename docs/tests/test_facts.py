# SPDX-License-Identifier: MIT
"""Facts in the documents that the source can be asked for: marks and limits of the format, and the tests that security.md points to."""
import pathlib
import re
import unittest

import support

CPP_TESTS = ("unionfs/tests/unit", "harness/tests", "workloads")
PYTHON_TESTS = ("unionfs/tests/mount/cases", "vm-images/tests", "paper/tests", "setup/tests", "packaging/tests")


def source(name):
    return (support.ROOT / name).read_text(encoding="utf-8")


def code_in(text):
    return {code.strip("`") for code in re.findall(r"`[^`\n]+`", text)}


def named_tests(text):
    """({(suite, test)} of C++, {(module, test)} of Python) in the text's code: `Suite.Test`, `module::test_x`."""
    code = code_in(text)
    cpp = {tuple(word.split(".")) for word in code if re.fullmatch(r"[A-Z]\w+\.[A-Z]\w+", word)}
    python = {tuple(word.split("::")) for word in code if re.fullmatch(r"\w+::test_\w+", word)}
    return cpp, python


def cpp_tests():
    found = set()
    for name in support.project_files():
        if name.endswith("_test.cc") and name.startswith(CPP_TESTS):
            found |= set(re.findall(r"^TEST(?:_[FP])?\((\w+),\s*(\w+)\)", source(name), re.MULTILINE))
    return found


def python_tests():
    found = set()
    for name in support.project_files():
        if name.endswith(".py") and name.startswith(PYTHON_TESTS):
            found |= {(pathlib.Path(name).stem, test) for test in re.findall(r"^    def (test_\w+)\(self", source(name), re.MULTILINE)}
    return found


class Format(unittest.TestCase):
    def setUp(self):
        self.text = source("docs/format.md")

    def test_every_mark_is_told(self):
        marks = set(re.findall(r'inline constexpr char k\w+\[\] = "(\w+)";', source("unionfs/layer/format.h")))
        self.assertGreaterEqual(len(marks), 8)
        self.assertEqual({mark for mark in marks if f"`{mark}`" not in self.text}, set())

    def test_numbers(self):
        format_cc, origin_cc = source("unionfs/layer/format.cc"), source("unionfs/layer/origin.cc")
        self.assertIn("kMaxRedirectBytes = 4096;", format_cc)
        self.assertIn("1 to 4,096 bytes", self.text)
        self.assertIn("kMaxNameBytes = 255;", format_cc)
        self.assertIn("1 to 255 bytes", self.text)
        header = int(re.search(r"kHeaderBytes = (\d+);", origin_cc).group(1))
        most = int(re.search(r"kMaxHandleBytes = (\d+);", origin_cc).group(1))
        word = int(re.search(r"kWordBytes = (\d+);", origin_cc).group(1))
        self.assertIn(f"{header + word} to {header + most}", self.text)
        self.assertIn(f"| {header} | {word} to {most} |", self.text)
        self.assertIn(re.search(r"kMagic = (0x\w+);", origin_cc).group(1), self.text)
        self.assertIn("kMetacopyFrom = 64 * 1024;", source("unionfs/merge/copy_up_file.cc"))
        self.assertIn("below 64 KiB", self.text)

    def test_names_in_the_work_directory(self):
        for name in re.findall(r'constexpr char k\w+\[\] = "(\w+)";', source("unionfs/layer/work.cc"))[:5]:
            self.assertRegex(self.text, rf"`[\w/]*\b{name}\b")


class Security(unittest.TestCase):
    def test_every_test_that_is_named_exists(self):
        cpp, python = named_tests(source("docs/security.md"))
        self.assertGreater(len(cpp), 15)
        self.assertGreater(len(python), 8)
        self.assertEqual(cpp - cpp_tests(), set())
        self.assertEqual(python - python_tests(), set())

    def test_every_file_that_is_named_exists(self):
        for page in ("security.md", "format.md", "extending.md"):
            names = {code for code in code_in(source(f"docs/{page}")) if re.fullmatch(r"[\w.-]+(/[\w.-]+)+\.(cc|h|py|toml|fio|sh|md)", code)}
            self.assertGreater(len(names), 2, page)
            self.assertEqual({name for name in names if not (support.ROOT / name).exists()}, set(), page)


class Reader(unittest.TestCase):
    def test_names_of_tests(self):
        self.assertEqual(named_tests("`Suite.Test` and `module::test_it`, not `file.cc`, `a.b` or Suite.Other"),
                         ({("Suite", "Test")}, {("module", "test_it")}))

    def test_tests_are_found(self):
        self.assertIn(("Redirect", "RejectsEverythingElse"), cpp_tests())
        self.assertIn(("test_page", "test_hostile_text_stays_text"), python_tests())
        self.assertNotIn(("Redirect", "AcceptsEverything"), cpp_tests())


if __name__ == "__main__":
    unittest.main()
