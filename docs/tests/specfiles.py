# SPDX-License-Identifier: MIT
"""What blendbench's parsers of specs and claims accept, learnt from what they say about files that are wrong."""
import contextlib
import pathlib
import re
import tempfile

import support

# No key is spelt like this, so that the answer is the list of all keys and not the nearest one.
UNKNOWN = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
GUEST_ARM = '[[arm]]\nid = "a"\nlayout = "coarse"\nreference = true\n'
HOST_ARM = '[[arm]]\nid = "a"\nengine = "plain"\nreference = true\n'
GUEST = 'name = "x"\n'
HOST = 'name = "x"\nsubstrate = "host"\ncases = ["create-10k"]\n'
JOB = '[[job]]\nid = "j"\nfamily = "app"\n'
ENGINE = '[[engine]]\nname = "e"\nprogram = "p"\nmount = ["{program}"]\n'
DIMENSION = '[dimension]\nname = "d"\n'
CLAIM = '[[claim]]\nid = "c"\ntitle = "t"\nstatement = "s"\narm = "a"\nrule = "non-inferiority"\nreference = "b"\nmetrics = ["m"]\n'

# Table -> a spec, cut where a key of that table can be added.
GUEST_TABLES = {
    "": (GUEST, GUEST_ARM),
    "arm": (GUEST + GUEST_ARM, ""),
    "arm.images": (GUEST + GUEST_ARM + "[arm.images]\n", ""),
    "arm.handicap": (GUEST + GUEST_ARM + "[arm.handicap]\n", ""),
    "engine": (GUEST + GUEST_ARM + ENGINE, ""),
    "engine.cannot": (GUEST + GUEST_ARM + ENGINE + "[engine.cannot]\n", ""),
    "job": (GUEST + GUEST_ARM + JOB, ""),
    "guest": (GUEST + GUEST_ARM + "[guest]\n", ""),
    "dimension": (GUEST + GUEST_ARM + DIMENSION, ""),
    "noise": (GUEST + GUEST_ARM + "[noise]\n", ""),
}
HOST_TABLES = {
    "": (HOST, HOST_ARM),
    "arm": (HOST + HOST_ARM, ""),
    "arm.handicap": (HOST + HOST_ARM + "[arm.handicap]\n", ""),
    "engine": (HOST + HOST_ARM + ENGINE, ""),
    "engine.cannot": (HOST + HOST_ARM + ENGINE + "[engine.cannot]\n", ""),
    "host": (HOST + HOST_ARM + "[host]\n", ""),
    "noise": (HOST + HOST_ARM + "[noise]\n", ""),
}


@contextlib.contextmanager
def files(**texts):
    """Paths of files with these texts, in their order."""
    with tempfile.TemporaryDirectory(prefix="docs-test-") as folder:
        paths = []
        for name, text in texts.items():
            path = pathlib.Path(folder) / f"{name}.toml"
            path.write_text(text, encoding="utf-8")
            paths.append(path)
        yield paths


def plan(spec, claims=None):
    """(exit status, standard error) of `blendbench plan` with these texts."""
    texts = {"spec": spec} if claims is None else {"spec": spec, "claims": claims}
    with files(**texts) as paths:
        more = [] if claims is None else ["--claims", paths[1]]
        status, _, err = support.run(support.program("blendbench"), "plan", paths[0], *more)
    return status, err.strip()


def complaint(spec, claims=None):
    """The line about a file that is wrong."""
    status, err = plan(spec, claims)
    if status != 2:
        raise AssertionError(f"a wrong file is taken (status {status}): {err}")
    return err


def known_keys(line):
    """The keys in "unknown key ...; known keys: a, b, c"."""
    match = re.search(r'unknown key "\w+" in [^;]+; known keys: (.+)$', line)
    if not match:
        raise AssertionError(f"no list of keys in: {line}")
    return set(match.group(1).split(", "))


def keys_of(table):
    """Of (before, after): what the table may hold."""
    before, after = table
    return known_keys(complaint(f"{before}{UNKNOWN} = 1\n{after}"))


def keys_of_claims(in_claim):
    text = CLAIM + f"{UNKNOWN} = 1\n" if in_claim else f"{UNKNOWN} = 1\n{CLAIM}"
    return known_keys(complaint(GUEST + GUEST_ARM, text))


def range_of(line, key):
    """(least, most) in '"key" is 5; it must be 1 to 4'."""
    match = re.search(rf'"{re.escape(key)}" is \S+; it must be (\S+) to (\S+)$', line)
    if not match:
        raise AssertionError(f"no range of {key} in: {line}")
    return float(match.group(1)), float(match.group(2))


def allowed(line):
    """The words in "...; it must be one of: a, b, c" and its like."""
    match = re.search(r"(?:one of: |a list of )(.+)$", line)
    if not match:
        raise AssertionError(f"no list in: {line}")
    return match.group(1).split(", ")
