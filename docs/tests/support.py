# SPDX-License-Identifier: MIT
"""What the tests of the documents share: where the project is, its programs, and reading Markdown."""
import functools
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
MAN = DOCS / "man"

# The project's programs, by their path in the build folder.
BUILT = {
    "blendfs": "unionfs/tools/blendfs",
    "blendctl": "unionfs/tools/blendctl",
    "blendbench": "harness/cli/blendbench",
}


def program(name):
    """The built program; $BLEND_BUILD names another build folder than build/release. Skips the test where there is none."""
    path = ROOT / os.environ.get("BLEND_BUILD", "build/release") / BUILT[name]
    if not os.access(path, os.X_OK):
        raise unittest.SkipTest(f"{name} is not built ({path}); build it, or name a build folder by BLEND_BUILD")
    return path


def run(*words, text=None, cwd=ROOT):
    """(exit status, standard output, standard error)"""
    done = subprocess.run([str(word) for word in words], input=text, stdin=subprocess.DEVNULL if text is None else None,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


@functools.lru_cache(maxsize=None)
def project_files():
    """Names of all files of the project, relative to its root."""
    try:
        status, out, _ = run("git", "ls-files", "--cached", "--others", "--exclude-standard")
    except OSError:
        status = 1
    if status == 0:
        return tuple(sorted({name for name in out.splitlines() if (ROOT / name).is_file()}))
    names = []
    for base, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in ("build", "__pycache__") and not name.startswith(".")]
        names += [os.path.relpath(os.path.join(base, name), ROOT) for name in files]
    return tuple(sorted(names))


class Fence:
    """A fenced block: its language, and its lines with their numbers."""

    def __init__(self, language):
        self.language = language
        self.lines = []


_FENCE = re.compile(r"^\s*(```+|~~~+)\s*([\w+-]*)")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$")
_CODE = re.compile(r"(`+)(.+?)\1")
_LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^\s{0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)")
_ATTRIBUTE = re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)
_NAMED = re.compile(r"<[^>]*?\b(?:id|name)\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)


def anchor(heading):
    """The fragment by which a heading is linked to, as the usual renderers make it."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"[`*]|(?<!\w)_|_(?!\w)", "", text).strip().lower()
    return "".join(c for c in text if c.isalnum() or c in "-_ ").replace(" ", "-")


class Page:
    """A Markdown file taken apart: fences, links, anchors and code within lines."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.fences, self.links, self.anchors, self.code = [], [], set(), []
        self._seen = {}
        fence = ended_by = None
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            match = _FENCE.match(line)
            if fence is not None:
                if match and match.group(1).startswith(ended_by) and not match.group(2):
                    fence = None
                else:
                    fence.lines.append((number, line))
            elif match:
                fence, ended_by = Fence(match.group(2).lower()), match.group(1)
                self.fences.append(fence)
            else:
                self._take(number, line)

    def _take(self, number, line):
        heading = _HEADING.match(line)
        if heading:
            self._add_anchor(anchor(heading.group(1)))
        self.code += [(number, match.group(2).strip()) for match in _CODE.finditer(line)]
        plain = _CODE.sub("", line)
        for pattern in (_LINK, _ATTRIBUTE):
            self.links += [(number, target) for target in pattern.findall(plain)]
        # A link's text may be code.
        self.links += [(number, target) for target in re.findall(r"\]\(\s*<?([^)\s>]+)>?\s*\)", plain)
                       if (number, target) not in self.links]
        reference = _REFERENCE.match(plain)
        if reference:
            self.links.append((number, reference.group(1)))
        self.anchors.update(_NAMED.findall(plain))

    def _add_anchor(self, name):
        count = self._seen.get(name, 0)
        self._seen[name] = count + 1
        self.anchors.add(name if count == 0 else f"{name}-{count}")


@functools.lru_cache(maxsize=None)
def page(path):
    return Page(path)


def markdown_files(root=ROOT):
    if root == ROOT:
        return [ROOT / name for name in project_files() if name.endswith(".md")]
    return sorted(pathlib.Path(root).rglob("*.md"))
