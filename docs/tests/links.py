# SPDX-License-Identifier: MIT
"""Whether the links of Markdown files lead somewhere."""
import os
import re
import urllib.parse

import support

_ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


def problems(path, root=support.ROOT):
    """A line for each link of the page that leads to no file, or to no place in a page, or out of the project."""
    page = support.page(path)
    found = []
    for number, target in page.links:
        if _ELSEWHERE.match(target):
            continue
        what = _problem(page, urllib.parse.unquote(target), root)
        if what:
            found.append(f"{os.path.relpath(path, root)}:{number}: {target}: {what}")
    return found


def _problem(page, target, root):
    name, _, fragment = target.partition("#")
    if name.startswith("/"):
        return "is an absolute path"
    file = page.path if not name else (page.path.parent / name)
    full = os.path.normpath(file)
    if os.path.relpath(full, root).startswith(".."):
        return "leads out of the project"
    if not os.path.exists(full):
        return "there is no such file"
    if fragment and full.endswith(".md") and fragment not in support.page(support.pathlib.Path(full)).anchors:
        return "there is no such heading"
    if fragment and not full.endswith(".md"):
        return "only pages have places to lead to"
    return ""
