# SPDX-License-Identifier: MIT
import unittest

import support  # noqa: F401
import words


class Numbers(unittest.TestCase):
    def test_three_digits_without_exponents(self):
        for value, text in ((16.234, "16.2"), (0.0466, "0.0466"), (0, "0"), (310, "310"), (12345.6, "12\u202f346"), (-2.5, "-2.50"),
                            (1e9, "1.00e+09"), (1e-7, "1.00e-07")):
            self.assertEqual(words.number(value), text)

    def test_percent(self):
        self.assertEqual([words.percent(share) for share in (None, 0, 3e-16, 0.05, 1.62)], ["", "0\u00a0%", "0\u00a0%", "5\u00a0%", "162\u00a0%"])

    def test_bytes(self):
        self.assertEqual([words.bytes_words(count) for count in (None, 0, 1536, 1 << 20)], ["not recorded", "0 bytes", "1.50 KiB", "1.00 MiB"])

    def test_plural(self):
        self.assertEqual([words.plural(count, "block") for count in (0, 1, 2)], ["0 blocks", "1 block", "2 blocks"])

    def test_ratio_keeps_its_interval(self):
        report = support.report_of("single")
        self.assertEqual(words.ratio_words(None), "")
        self.assertTrue(words.ratio_words(report.comparisons[0]).endswith("(no interval)"))
        self.assertRegex(words.ratio_words(support.report_of("ok").comparisons[0]), r"^\d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\)$")


if __name__ == "__main__":
    unittest.main()
