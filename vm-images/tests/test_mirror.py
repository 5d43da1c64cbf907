# SPDX-License-Identifier: MIT
"""Where packages come from: reading apt's sources in both formats, and choosing among them."""
import pathlib
import tempfile
import unittest

from builder import mirror
from builder.report import BuildError

DISTRIBUTIONS = ["debian", "ubuntu"]
DEBIAN = ("debian", "bookworm")
UBUNTU = ("ubuntu", "noble")


def find(sources, release=DEBIAN, environ=None):
    return mirror.find(DISTRIBUTIONS, environ=environ or {}, sources=sources, release=release)


class OneLineFormat(unittest.TestCase):
    def test_options_and_components(self):
        found = mirror.parse_one_line("deb [arch=amd64 signed-by=/k.gpg] http://a/debian bookworm main contrib # c\n")
        self.assertEqual(found, [mirror.Source("http://a/debian", "bookworm", ("main", "contrib"))])

    def test_comments_and_source_packages_do_not_count(self):
        self.assertEqual(mirror.parse_one_line("# deb http://a/debian bookworm main\ndeb-src http://a/d sid main\n"), [])


class Deb822Format(unittest.TestCase):
    def test_every_uri_with_every_suite(self):
        found = mirror.parse_deb822("Types: deb deb-src\nURIs: http://a/debian http://b/debian\n"
                                    "# a comment\nSuites: trixie\n trixie-updates\nComponents: main\n")
        self.assertEqual([(s.uri, s.suite) for s in found],
                         [("http://a/debian", "trixie"), ("http://a/debian", "trixie-updates"),
                          ("http://b/debian", "trixie"), ("http://b/debian", "trixie-updates")])

    def test_disabled_stanzas_and_source_packages_do_not_count(self):
        self.assertEqual(mirror.parse_deb822("Enabled: no\nTypes: deb\nURIs: http://a/debian\nSuites: sid\nComponents: main\n"
                                             "\nTypes: deb-src\nURIs: http://a/debian\nSuites: sid\nComponents: main\n"), [])

    def test_both_formats_of_one_machine(self):
        with tempfile.TemporaryDirectory() as folder:
            apt = pathlib.Path(folder)
            (apt / "sources.list.d").mkdir()
            (apt / "sources.list").write_text("deb http://a/debian sid main\n", encoding="utf-8")
            (apt / "sources.list.d" / "b.sources").write_text(
                "Types: deb\nURIs: http://b/x\nSuites: s\nComponents: c\n", encoding="utf-8")
            (apt / "sources.list.d" / "ignored.save").write_text("deb http://c/debian sid main\n", encoding="utf-8")
            self.assertEqual([s.uri for s in mirror.read_sources(apt)], ["http://a/debian", "http://b/x"])


class Choice(unittest.TestCase):
    def test_debian_archive_before_others_of_the_same_suite(self):
        sources = mirror.parse_one_line("deb http://other/packages bookworm main\ndeb http://a/debian/ bookworm main\n")
        self.assertEqual(find(sources), ("debian", "http://a/debian"))

    def test_security_archives_and_third_parties_do_not_count(self):
        sources = mirror.parse_one_line("deb http://a/debian-security bookworm-security main\ndeb http://b/x nodistro main\n")
        with self.assertRaisesRegex(BuildError, "BLEND_MIRROR"):
            find(sources)

    def test_media_that_apt_alone_can_read_do_not_count(self):
        with self.assertRaises(BuildError):
            find(mirror.parse_one_line("deb cdrom:[disc]/ bookworm main\n"))

    def test_ubuntu_uses_its_own_archive(self):
        sources = mirror.parse_one_line("deb http://u/ubuntu noble main universe\n")
        self.assertEqual(find(sources, UBUNTU), ("ubuntu", "http://u/ubuntu"))

    def test_ubuntu_with_a_debian_source_builds_debian(self):
        sources = mirror.parse_one_line("deb http://u/ubuntu noble main\ndeb http://a/debian trixie main\n")
        self.assertEqual(find(sources, UBUNTU), ("debian", "http://a/debian"))

    def test_the_environment_wins(self):
        sources = mirror.parse_one_line("deb http://a/debian bookworm main\n")
        self.assertEqual(find(sources, environ={"BLEND_MIRROR": "http://mine/debian/"}), ("debian", "http://mine/debian"))

    def test_unknown_distribution_is_refused(self):
        with self.assertRaisesRegex(BuildError, "not known"):
            find([], environ={"BLEND_MIRROR": "http://mine/x", "BLEND_DISTRIBUTION": "plan9"})


if __name__ == "__main__":
    unittest.main()
