#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""unfinished_run.py RUNS_DIR REPORTS_DIR CLAIMS MANIFEST SPEC...

Prints the newest run that was begun with exactly these inputs (the bytes of the spec and the claims, the
digests of the images) and has not reached its end; nothing if there is none. ./reproduce continues it.
With several specs, a run of each is called NAME.SPEC; then it is the NAME whose runs are begun but not all done, or
done without the page over them.
"""
import json
import os
import pathlib
import sys


def content(path):
    with open(path, "rb") as file:
        return file.read()


def state(run, spec, claims, images):
    """"done" or "begun" for a run with these inputs, "other" for one with others, "none" where there is no run."""
    if not os.path.exists(os.path.join(run, "plan.json")):
        return "none"
    try:
        if content(os.path.join(run, "spec.toml")) != spec or content(os.path.join(run, "claims.toml")) != claims:
            return "other"
        environment = json.loads(content(os.path.join(run, "environment.json")))
        # A run notes the images that it needs.
        if any(images.get(name) != digest for name, digest in environment["images"].items()):
            return "other"
        return "done" if environment["finished"] else "begun"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "other"  # killed before it had noted its inputs: nothing to continue


def begun(run):
    return os.stat(os.path.join(run, "plan.json")).st_mtime_ns


def groups(runs_dir, suffixes):
    """{NAME: {suffix: folder}} of the runs that are there."""
    found = {}
    for entry in os.scandir(runs_dir):
        for suffix in suffixes:
            if entry.is_dir() and entry.name.endswith(suffix):
                found.setdefault(entry.name.removesuffix(suffix), {})[suffix] = entry.path
    return found


def newest_unfinished(runs_dir, reports_dir, specs, claims, images):
    suffixes = {f".{pathlib.Path(spec).stem}" if len(specs) > 1 else "": content(spec) for spec in specs}
    candidates = []
    for name, runs in groups(runs_dir, suffixes).items():
        states = [state(runs.get(suffix, os.devnull), spec, claims, images) for suffix, spec in suffixes.items()]
        page_is_missing = len(specs) > 1 and not os.path.exists(os.path.join(reports_dir, name, "index.html"))
        if "other" not in states and "begun" in states or set(states) == {"done", "none"} or set(states) == {"done"} and page_is_missing:
            existing = [run for run in runs.values() if os.path.exists(os.path.join(run, "plan.json"))]
            candidates.append((max(map(begun, existing)), name))
    return max(candidates)[1] if candidates else None


def main(arguments):
    if len(arguments) < 5:
        print(__doc__, file=sys.stderr)
        return 2
    runs_dir, reports_dir, claims, manifest, *specs = arguments
    try:
        images = {name: entry["sha256"] for name, entry in json.loads(content(manifest))["files"].items()}
        found = newest_unfinished(runs_dir, reports_dir, specs, content(claims), images)
    except (OSError, ValueError, KeyError) as error:
        print(f"unfinished_run.py: {manifest}: {error}", file=sys.stderr)
        return 1
    if found:
        print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
