# SPDX-License-Identifier: MIT
"""Every command of the project's programs in a document uses only what the program's --help lists."""
import os
import pathlib
import tempfile
import unittest
import unittest.mock

import grammar
import shellwords
import support
import usage


class Documents(unittest.TestCase):
    def check_program(self, *names):
        for name in names:
            grammar.of("blendfs" if name == "mount" else name)  # skips
        found, seen = [], 0
        for path in support.markdown_files():
            for command in usage.commands_of(support.page(path)):
                if command.words and usage.program_of(command.words) not in names:
                    continue
                seen += 1
                found += [f"{os.path.relpath(path, support.ROOT)}:{command.number}: {problem}" for problem in usage.problems(command)]
        self.assertGreater(seen, 0, "no command was found")
        self.assertEqual(found, [])

    def test_blendfs(self):
        self.check_program("blendfs", "mount")

    def test_blendctl(self):
        self.check_program("blendctl")

    def test_blendbench(self):
        self.check_program("blendbench")

    def test_programs_that_are_scripts(self):
        self.check_program(*grammar.SCRIPTS)


HELP_BLENDFS = """usage: blendfs [-f] -o lowerdir=...
  -f, --foreground     stay

Options (-o; or so):
  lowerdir=A:B:C       directories
  ro                   mount read-only
  fsync=auto|strict|volatile
                       how much
  passthrough=auto|off let the kernel
  stats[=FILE]         write
  io_uring, clone_fd   other ways
  redirect_dir= index= metacopy= xino= uuid=
                       overlayfs's
  fsname= context= ...
                       and noatime ...
"""
HELP_BLENDCTL = """usage: blendctl COMMAND -o lowerdir=...
  check [--repair] [--json]    verifies
                               --repair mends
  diff [--json | --tar FILE]   what changes
  flatten DIR                  writes
  -h, --help                   this text
"""
HELP_CLI11 = """what it is
Usage: x [OPTIONS] SUBCOMMAND

Options:
  -h,--help                   Print
  -o,--output TEXT            file
  --blocks INT:INT in [1 - 9]
                              how many
  --json                      print
  --sd FLOAT:FLOAT in [1 - 2] Excludes: --noise
                              scatter

Subcommands:
  run                         carry out
"""


class Helps(unittest.TestCase):
    """What is learnt of a --help."""

    def test_blendfs(self):
        known = grammar.parse_blendfs(HELP_BLENDFS)
        self.assertEqual(known.commands[""], {"-f", "--foreground", "-o"})
        self.assertEqual(known.words, {"lowerdir", "ro", "fsync", "passthrough", "stats", "io_uring", "clone_fd", "redirect_dir", "index",
                                       "metacopy", "xino", "uuid", "fsname", "context"})

    def test_blendctl(self):
        known = grammar.parse_blendctl(HELP_BLENDCTL)
        self.assertEqual(known.commands, {"": {"-o", "-h", "--help"}, "check": {"--repair", "--json"}, "diff": {"--json", "--tar"}, "flatten": set()})

    def test_blendbench(self):
        options, valued, commands = grammar.parse_cli11(HELP_CLI11)
        self.assertEqual(options, {"-h", "--help", "-o", "--output", "--blocks", "--json", "--sd"})
        self.assertEqual(valued, {"-o", "--output", "--blocks", "--sd"})
        self.assertEqual(commands, ["run"])

    def test_scripts(self):
        known = grammar.parse_plain("Usage: ./x [--profile smoke|quick] [--blocks N] [--dry-run] [--help]\n  --out DIR  where")
        self.assertEqual(known.commands[""], {"--profile", "--blocks", "--dry-run", "--help", "--out"})
        self.assertEqual(known.valued, {"--profile", "--blocks", "--out"})


class Words(unittest.TestCase):
    """How lines are cut."""

    def of(self, text, language=""):
        with tempfile.TemporaryDirectory(prefix="docs-test-") as folder:
            path = pathlib.Path(folder) / "page.md"
            path.write_text(f"```{language}\n{text}\n```\n", encoding="utf-8")
            return [command.words for command in shellwords.of_fences(support.Page(path))]

    def test_lines(self):
        self.assertEqual(self.of("a b   # c\nX=1 sudo d | e > f && g; source <(h i)"),
                         [["a", "b"], ["d"], ["e"], ["g"], ["h", "i"]])
        self.assertEqual(self.of("a \\\n  b\ncat > x <<EOF\nnot --this\nEOF\nc [--d]"), [["a", "b"], ["cat"], ["c", "--d"]])
        self.assertEqual(self.of("  - run: sudo a b", "yaml"), [["a", "b"]])
        self.assertEqual(self.of("a 'b c' \"d\""), [["a", "b c", "d"]])
        self.assertEqual(self.of("key = 'open", "toml"), [])
        self.assertEqual(self.of("a 'open"), [[]])


@unittest.mock.patch.object(grammar, "of", new=lambda name: {
    "blendfs": grammar.parse_blendfs(HELP_BLENDFS), "blendctl": grammar.parse_blendctl(HELP_BLENDCTL),
    "blendbench": grammar.Grammar({"": {"--version"}, "run": {"--blocks", "--json", "--claims"}, "baseline": set(), "baseline-adopt": {"--note"}},
                                  {"--blocks", "--note", "--claims"}),
}.get(name) or grammar.parse_plain("--profile NAME --dry-run"))
class Checker(unittest.TestCase):
    """The checker itself, with commands that are wrong."""

    def found(self, line, variables=None, made=()):
        commands, _ = shellwords.split(line)
        return [problem for words in commands for problem in usage.problems(shellwords.Command(1, words, made, variables))]

    def test_good_commands_pass(self):
        for line in ("build/release/unionfs/tools/blendfs -f -o lowerdir=a:b,ro,noatime,x-initrd.mount /mnt", "blendctl check -o $L --repair",
                     "blendctl diff -olowerdir=a --tar=-", "mount -t fuse.blendfs -o lowerdir=a,nofail none /mnt",
                     "build/release/harness/cli/blendbench run quick --blocks 3", "blendbench run harness/specs/host.toml --json",
                     "blendbench baseline adopt main RUN1 --note 'as it is'", "./reproduce --profile full", "setup/install --dry-run",
                     "blendfs -o lowerdir=TOP:...:BOTTOM[,OPTION...] MOUNTPOINT", "blendbench run SPEC", "other --frobnicate", "./other run"):
            with self.subTest(line):
                self.assertEqual(self.found(line), [])
        self.assertEqual(self.found("blendbench run mine.toml", made=["mine.toml"]), [])

    def test_each_mistake_is_named(self):
        for line, what in (("blendfs --frobnicate -o lowerdir=a /m", "blendfs --frobnicate: there is no such option"),
                           ("blendfs -o statistics,lowerdir=a /m", "-o statistics: blendfs does not list it"),
                           ("mount -t fuse.blendfs -o lowerdirs=a none /m", "-o lowerdirs: blendfs does not list it"),
                           ("blendctl mend -o lowerdir=a", "blendctl mend: there is no such command"),
                           ("blendctl flatten -o lowerdir=a --json d", "blendctl flatten --json: there is no such option"),
                           ("blendbench runs quick", "blendbench runs: there is no such command"),
                           ("blendbench run quick --block 3", "blendbench run --block: there is no such option"),
                           ("blendbench baseline adopt main R --replace", "blendbench baseline-adopt --replace: there is no such option"),
                           ("blendbench run slow", "run slow: there is no such spec"),
                           ("blendbench run mine.toml", "run mine.toml: there is no such spec"),
                           ("blendbench run quick --claims no.toml", "--claims no.toml: there is no such file"),
                           ("./reproduce --profile slow", "--profile slow: there is no such profile"),
                           ("sudo setup/install --dry", "setup/install --dry: there is no such option")):
            with self.subTest(line):
                self.assertEqual(self.found(line), [what])
        self.assertEqual(self.found("blendctl check -o $L", {"L": "lowerdir=a,upper=b"}), ["-o upper: blendfs does not list it"])
        self.assertEqual(list(usage.problems(shellwords.Command(1, []))), ["the line cannot be cut into words"])


if __name__ == "__main__":
    unittest.main()
