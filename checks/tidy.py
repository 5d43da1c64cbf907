#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""clang-tidy over the product's sources (not the tests), as errors: checks/tidy.py BUILD [FILE...]

A file that passed is not looked at again until it, a header of the project that it includes, its
compiler command or .clang-tidy changes; what passed is remembered in $BLEND_CACHE/tidy.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WANTED = "14"  # each release checks something else; this one decides
FILE_LIMIT_S = 300
INCLUDE = re.compile(r'^\s*#\s*include "([^"]+)"', re.M)


def skip(reason):
    print(f"skipped 1: {reason}\n0 passed, 0 failed, 1 skipped")
    sys.exit(0)


def version(tool):
    text = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"version (\d+)[.\d]*", text)


def with_headers(path, seen):
    """The file and every header of the project that it reaches, found by the quoted name."""
    if path in seen or not os.path.isfile(path):
        return seen
    seen.add(path)
    with open(path, encoding="utf-8") as source:
        for name in INCLUDE.findall(source.read()):
            with_headers(os.path.join(ROOT, name), seen)
    return seen


def key_of(entry, tool):
    digest = hashlib.sha256(tool.encode())
    digest.update((entry.get("command") or " ".join(entry["arguments"])).encode())
    for path in [os.path.join(ROOT, ".clang-tidy"), *sorted(with_headers(entry["file"], set()))]:
        with open(path, "rb") as source:
            digest.update(path.encode() + b"\0" + source.read() + b"\0")
    return digest.hexdigest()


def tidy(build, path):
    """Returns (passed, what clang-tidy said)."""
    try:
        done = subprocess.run(["clang-tidy", "--quiet", "-p", build, path], capture_output=True, text=True,
                              timeout=FILE_LIMIT_S)
    except subprocess.TimeoutExpired:
        return False, f"{path}: clang-tidy did not end within {FILE_LIMIT_S} s\n"
    return done.returncode == 0, done.stdout


def wanted(entry, files):
    name = os.path.relpath(entry["file"], ROOT)
    if files:
        return name in files
    return name.startswith(("unionfs/", "harness/")) and "/tests/" not in name


def main():
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    build, files = sys.argv[1], {os.path.relpath(name, ROOT) for name in sys.argv[2:]}
    if not shutil.which("clang-tidy"):
        skip("clang-tidy is not installed")
    have = version("clang-tidy")
    if not have or have.group(1) != WANTED:
        skip(f"clang-tidy is {have.group(1) if have else 'unknown'}, the checks were chosen for {WANTED}")
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as database:
        entries = {entry["file"]: entry for entry in json.load(database) if wanted(entry, files)}
    cache = os.path.join(os.environ.get("BLEND_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "blendfs"), "tidy")
    os.makedirs(cache, exist_ok=True)
    keys = {path: os.path.join(cache, key_of(entry, have.group(0))) for path, entry in entries.items()}
    todo = sorted(path for path, key in keys.items() if not os.path.exists(key))
    print(f"{len(entries)} files, {len(entries) - len(todo)} unchanged since they passed", flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for path, (passed, said) in zip(todo, pool.map(lambda path: tidy(build, path), todo)):
            if passed:
                open(keys[path], "w").close()
            else:
                failed += 1
                print(said, flush=True)
    print(f"0 passed, 1 failed, 0 skipped ({failed} files)" if failed else "1 passed, 0 failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
