# SPDX-License-Identifier: MIT
import unittest

import support  # noqa: F401
import textsafe


class OneLine(unittest.TestCase):
    def test_removes_escape_sequences_and_control_characters(self):
        self.assertEqual(textsafe.one_line("a\x1b[31mred\x1b]0;title\x07 b\x00c\x07\x7f\x9b1md"), "ared bcd")

    def test_removes_what_turns_text_around_or_hides(self):
        self.assertEqual(textsafe.one_line("x\u202eabc\u2066\u200b\ufeffy"), "xabcy")

    def test_makes_one_line_of_many(self):
        self.assertEqual(textsafe.one_line(" a\n\tb\r\nc\u2028d "), "a b c d")

    def test_bounds_the_length(self):
        self.assertEqual(textsafe.one_line("x" * 1000, 10), "x" * 9 + "…")

    def test_keeps_other_scripts(self):
        self.assertEqual(textsafe.one_line("é 漢字 עברית"), "é 漢字 עברית")

    def test_limits_stacked_marks(self):
        self.assertEqual(textsafe.one_line("e" + "\u0336" * 50 + "f"), "e" + "\u0336" * 3 + "f")

    def test_lone_surrogates_vanish(self):
        textsafe.one_line("a\ud800b").encode("utf-8")


class Block(unittest.TestCase):
    def test_keeps_the_last_lines_and_says_how_many_are_missing(self):
        text = textsafe.block("\n".join(str(n) for n in range(100)), max_lines=3)
        self.assertEqual(text, "[97 earlier lines left out]\n97\n98\n99")

    def test_cuts_long_lines(self):
        self.assertEqual(textsafe.block("y" * 500, max_columns=20), "y" * 19 + "…")

    def test_bounds_the_whole(self):
        self.assertLess(len(textsafe.block("z\n" * 10**6)), 60 * 241 + 100)

    def test_a_carriage_return_cannot_overwrite(self):
        self.assertEqual(textsafe.block("panic\rall is well"), "panic\nall is well")


class Slug(unittest.TestCase):
    def test_is_safe_and_unique(self):
        self.assertEqual(textsafe.slug("../../etc/passwd"), "etc-passwd")
        self.assertEqual(textsafe.slug("<b>"), "b")
        self.assertEqual(textsafe.slug("漢"), "x")
        self.assertEqual(textsafe.slug("b", {"b", "b-2"}), "b-3")


if __name__ == "__main__":
    unittest.main()
