#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The shape of the tree: which folder may include which, who may call the system, how long a file is.

Linking one target per folder catches most wrong includes; headers without code behind them slip
through there and are caught here. So are names of tests in the mount tests' README that no test has. Prints each offence as FILE:LINE: what, then a closing count.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAX_LINES = 400

# Folder -> folders it may include besides itself.
UNIONFS_ORDER = ["base", "sys", "layer", "merge", "inspect", "fuse", "tools"]
ALLOWED = {f"unionfs/{name}": {f"unionfs/{below}" for below in UNIONFS_ORDER[:index]}
           for index, name in enumerate(UNIONFS_ORDER)}
ALLOWED["unionfs/fuse"].discard("unionfs/inspect")
HARNESS = {
    "base": [],
    "spec": ["base"],
    "stats": ["base"],
    "import": ["base", "spec"],
    "gate": ["base", "spec", "stats"],
    "store": ["base", "spec"],
    "export": ["base", "spec", "stats", "gate", "store"],
    "archive": ["base", "spec", "import", "store", "export"],
    "guest": ["base", "spec"],
    "host": ["base", "spec", "guest"],
    "measure": ["base", "spec", "guest", "host"],
    "run": ["base", "spec", "store", "guest", "host", "measure"],
    "cluster": ["base", "spec", "store", "guest", "host", "measure", "run"],
    "cli": ["base", "spec", "import", "stats", "gate", "store", "export", "archive", "guest", "host", "measure", "run", "cluster"],
}
ALLOWED.update({f"harness/{name}": {f"harness/{below}" for below in may}
                for name, may in HARNESS.items()})

# Calls that belong to unionfs/sys alone: everything above goes through its seam, so that a test
# can make any of them fail.
RAW_CALLS = re.compile(
    r"(?<![\w.>])::(openat|openat2|open|statx|fstatat|mkdirat|mknodat|renameat2|renameat|unlinkat|linkat|symlinkat|"
    r"readlinkat|fsetxattr|fgetxattr|setxattr|getxattr|lsetxattr|lgetxattr|removexattr|fchmodat|fchownat|utimensat|"
    r"copy_file_range|syscall|ioctl|getdents64|fallocate|ftruncate|setfsuid|setfsgid)\s*\(")
IO_HEADERS = re.compile(
    r'#include <(fstream|iostream|filesystem|cstdio|stdio\.h|unistd\.h|fcntl\.h|sqlite3\.h|sys/(stat|socket|wait|mount|ioctl)\.h)>')
INCLUDE = re.compile(r'#include "([^"]+)"')


def tracked():
    out = subprocess.run(["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"],
                         capture_output=True, text=True)
    if out.returncode == 0:
        return sorted(set(out.stdout.splitlines()))
    names = []
    for base, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "build"]
        names += [os.path.relpath(os.path.join(base, name), ROOT) for name in files]
    return sorted(names)


def folder_of(name):
    return "/".join(name.split("/")[:2])


def without_comments(line):
    return re.sub(r"//.*", "", line)


def check_cpp(name, lines):
    folder = folder_of(name)
    may = ALLOWED.get(folder)
    for number, line in enumerate(lines, 1):
        code = without_comments(line)
        match = INCLUDE.search(code)
        if match and may is not None:
            target = folder_of(match.group(1))
            if target != folder and target in ALLOWED and target not in may:
                yield number, f"{folder} may not include {target}"
        if "<fuse_lowlevel.h>" in code and folder != "unionfs/fuse":
            yield number, "only unionfs/fuse includes <fuse_lowlevel.h>"
        if folder.startswith("unionfs/") and folder in ALLOWED and folder not in ("unionfs/sys", "unionfs/tools", "unionfs/base"):
            call = RAW_CALLS.search(code)
            if call:
                yield number, f"::{call.group(1)}() belongs to unionfs/sys"
        if folder in ("harness/spec", "harness/stats", "harness/gate") and IO_HEADERS.search(code):
            yield number, f"{folder} does no input or output"


NAMED_TEST = re.compile(r"`(\w+)::(test_\w+)`")


def check_named_tests(lines):
    """Every `module::test_name` in the matrix of the mount tests is one."""
    cases = os.path.join(ROOT, "unionfs/tests/mount/cases")
    known = {}
    for number, line in enumerate(lines, 1):
        for module, test in NAMED_TEST.findall(line):
            if module not in known:
                path = os.path.join(cases, module + ".py")
                text = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
                known[module] = set(re.findall(r"^    def (test_\w+)\(self", text, re.MULTILINE))
            if test not in known[module]:
                yield number, f"there is no test {module}::{test}"


def check_any(name, lines):
    if len(lines) > MAX_LINES:
        yield 1, f"{len(lines)} lines; split it (at most {MAX_LINES})"
    if not any("SPDX-License-Identifier: MIT" in line for line in lines[:4]):
        yield 1, "no SPDX-License-Identifier: MIT near the top"


def is_source(name, lines):
    if name.endswith((".cc", ".h", ".py", ".sh", ".cmake")) or os.path.basename(name) == "CMakeLists.txt":
        return True
    return "." not in os.path.basename(name) and bool(lines) and lines[0].startswith("#!")


def main():
    offences = 0
    for name in tracked():
        path = os.path.join(ROOT, name)
        if not os.path.isfile(path) or os.path.islink(path):
            continue
        try:
            with open(path, encoding="utf-8") as file:
                lines = file.read().splitlines()
        except UnicodeDecodeError:
            continue
        found = []
        if is_source(name, lines):
            found += check_any(name, lines)
        if name.endswith((".cc", ".h")):
            found += check_cpp(name, lines)
        if name == "unionfs/tests/README.md":
            found += check_named_tests(lines)
        for number, what in found:
            print(f"{name}:{number}: {what}")
            offences += 1
    print("0 passed, 1 failed, 0 skipped" if offences else "1 passed, 0 failed, 0 skipped")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
