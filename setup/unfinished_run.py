#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""unfinished_run.py RUNS_DIR SPEC CLAIMS MANIFEST

Prints the newest run that was begun with exactly these inputs (the bytes of the spec and the claims, the
digests of the images) and has not reached its end; nothing if there is none. ./reproduce continues it.
"""
import json
import os
import sys


def content(path):
    with open(path, "rb") as file:
        return file.read()


def unfinished(run, spec, claims, images):
    try:
        if content(os.path.join(run, "spec.toml")) != spec or content(os.path.join(run, "claims.toml")) != claims:
            return False
        environment = json.loads(content(os.path.join(run, "environment.json")))
        return environment["images"] == images and not environment["finished"]
    except (OSError, ValueError, KeyError, TypeError):
        return False  # no run, or killed before it had noted its inputs: nothing to continue


def begun(run):
    return os.stat(os.path.join(run, "plan.json")).st_mtime_ns


def main(arguments):
    if len(arguments) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    runs_dir, spec, claims, manifest = arguments
    try:
        images = {name: entry["sha256"] for name, entry in json.loads(content(manifest))["files"].items()}
        inputs = (content(spec), content(claims), images)
        runs = [entry.path for entry in os.scandir(runs_dir) if entry.is_dir()]
        found = [run for run in runs if unfinished(run, *inputs)]
    except (OSError, ValueError, KeyError) as error:
        print(f"unfinished_run.py: {manifest}: {error}", file=sys.stderr)
        return 1
    if found:
        print(os.path.basename(max(found, key=begun)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
