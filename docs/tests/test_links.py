# SPDX-License-Identifier: MIT
"""Every relative link and anchor of every Markdown file leads somewhere."""
import pathlib
import tempfile
import unittest

import links
import support


class Links(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        pages = support.markdown_files()
        self.assertGreater(len(pages), 10, "the project's pages were not found")
        self.assertGreater(sum(len(support.page(page).links) for page in pages), 50, "the links were not found")
        self.assertEqual([problem for page in pages for problem in links.problems(page)], [])

    def test_every_document_is_in_the_index(self):
        linked = {(support.DOCS / target).resolve() for _, target in support.page(support.DOCS / "README.md").links if "#" not in target}
        pages = {path.resolve() for path in support.DOCS.rglob("*") if path.suffix in (".md", ".scd")}
        self.assertEqual(pages - linked - {support.DOCS / "README.md"}, set())


class Checker(unittest.TestCase):
    """The checker itself, with input that is broken."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="docs-test-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.write("other.md", "# One thing\n\n## `code` and *more*, twice\n## `code` and *more*, twice\n<a id=\"named\"></a>\n")
        self.write("plain.txt", "text\n")

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")
        support.page.cache_clear()
        return self.folder / name

    def found(self, text):
        return [problem.split(": ", 1)[1] for problem in links.problems(self.write("page.md", text), self.folder)]

    def test_good_links_pass(self):
        self.assertEqual(self.found("# Top\n[a](other.md) [b](other.md#one-thing) ![c](plain.txt) [d](#top) [e](https://example.org/x)\n"
                                    "[f](other.md#code-and-more-twice) [g](other.md#code-and-more-twice-1) [`h`](other.md#named)\n"
                                    "[ref]: other.md\n`[not](a-link)`\n```\n[nor](this)\n```\n"), [])

    def test_each_kind_of_broken_link_is_named(self):
        for text, what in (("[a](missing.md)", "missing.md: there is no such file"),
                           ("![a](missing.svg)", "missing.svg: there is no such file"),
                           ("[`a`](missing.md)", "missing.md: there is no such file"),
                           ("[a](other.md#nothing)", "other.md#nothing: there is no such heading"),
                           ("[a](#nothing)", "#nothing: there is no such heading"),
                           ("[a](../outside.md)", "../outside.md: leads out of the project"),
                           ("[a](/etc/passwd)", "/etc/passwd: is an absolute path"),
                           ("[a](plain.txt#L3)", "plain.txt#L3: only pages have places to lead to"),
                           ("[ref]: missing.md", "missing.md: there is no such file"),
                           ("<img src=\"missing.png\">", "missing.png: there is no such file")):
            with self.subTest(text):
                self.assertEqual(self.found(text), [what])


if __name__ == "__main__":
    unittest.main()
