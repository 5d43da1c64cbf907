# SPDX-License-Identifier: MIT
"""A man page in scdoc's format as far as the tests look at it: sections, terms, and the scopes that its comments give. Pure.

A term is a line that begins with bold words and has an indented line below it. `; for: A B` says which commands the terms after it are of, until
the next heading; lines of it that follow each other add up.
"""
import re

_BOLD = re.compile(r"\*((?:\\.|[^*])+)\*")


class Term:
    def __init__(self, section, scope, line, text):
        self.section = section
        self.scope = frozenset(scope)
        self.line = line
        self.text = text  # what is said of it, in one line

    @property
    def bold(self):
        return [re.sub(r"\\(.)", r"\1", word) for word in _BOLD.findall(self.line)]


class ManPage:
    def __init__(self, text):
        lines = text.split("\n")
        self.title = re.match(r"^([\w.-]+)\((\d)\)", lines[0])
        self.sections, self.terms, self.rows, self.literals, self.lists = [], [], [], [], {}
        section, scope, literal, listed, in_for = "", [], None, None, False
        for number, line in enumerate(lines[1:], 1):
            if literal is not None:
                if line.strip() == "```":
                    self.literals.append((section, "\n".join(literal)))
                    literal = None
                else:
                    literal.append(line)
                continue
            if line.strip() == "```":
                literal = []
            elif line.startswith("#"):
                section = line.lstrip("#").strip()
                self.sections.append(section)
                scope, listed = [], None
            elif line.startswith("; for:"):
                scope = (scope if in_for else []) + line.split()[2:]
            elif line.startswith("; list:"):
                listed = self.lists.setdefault(line.split()[2], [])
            elif line.startswith("*"):
                below = [text.strip() for text in _indented(lines[number + 1:])]
                if listed is not None:
                    listed += _BOLD.findall(line)
                elif below:
                    self.terms.append(Term(section, scope, line, " ".join(below)))
            elif re.match(r"^[\[|\]]. \*", line):
                self.rows.append((section, _BOLD.findall(line)))
            in_for = line.startswith("; for:")

    def in_section(self, *names):
        return [term for term in self.terms if term.section in names]


def _indented(lines):
    for line in lines:
        if not line.startswith("\t"):
            return
        yield line
