# SPDX-License-Identifier: MIT
"""Finds a package mirror from the machine's own apt sources, so that none is named here.

Reads both source formats (one-line `.list` and deb822 `.sources`). BLEND_MIRROR overrides.
"""
import os
import pathlib
import re
from dataclasses import dataclass

from .report import BuildError

DEBIAN_SUITES = {"stable", "oldstable", "testing", "unstable", "sid", "bullseye", "bookworm", "trixie", "forky", "duke"}


@dataclass(frozen=True)
class Source:
    """One archive with one suite, as apt sees it."""

    uri: str
    suite: str
    components: tuple


def parse_one_line(text):
    """Sources of a `.list` file: `deb [options] uri suite component...`."""
    found = []
    for line in text.splitlines():
        match = re.match(r"^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if match:
            found.append(Source(match[1], match[2], tuple(match[3].split())))
    return found


def parse_deb822(text):
    """Sources of a `.sources` file: stanzas with Types, URIs, Suites, Components."""
    found = []
    for stanza in re.split(r"\n\s*\n", text):
        fields, key = {}, None
        for line in stanza.splitlines():
            if line.lstrip().startswith("#"):
                continue
            if line[:1] in (" ", "\t") and key:
                fields[key] += " " + line.strip()
            elif ":" in line:
                key, _, value = line.partition(":")
                key = key.strip().lower()
                fields[key] = value.strip()
        if fields.get("enabled", "yes").lower() in ("no", "false"):
            continue
        if "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                found.append(Source(uri, suite, tuple(fields.get("components", "").split())))
    return found


def read_sources(apt_dir=pathlib.Path("/etc/apt")):
    """Every binary source of the machine, in the order in which apt reads them."""
    files = [apt_dir / "sources.list"]
    parts = apt_dir / "sources.list.d"
    if parts.is_dir():
        files += sorted(p for p in parts.iterdir() if p.suffix in (".list", ".sources"))
    found = []
    for path in files:
        if path.is_file():
            text = path.read_text(errors="replace")
            found += parse_deb822(text) if path.suffix == ".sources" else parse_one_line(text)
    return found


def host_release(path=pathlib.Path("/etc/os-release")):
    """(ID, VERSION_CODENAME) of the machine; empty strings when unknown."""
    fields = {}
    if path.is_file():
        for line in path.read_text().splitlines():
            key, _, value = line.partition("=")
            fields[key] = value.strip("\"'")
    return fields.get("ID", ""), fields.get("VERSION_CODENAME", "")


def pick(sources, suites, archive):
    """The best mirror for one of `suites`: an archive that calls itself `archive` goes first."""
    usable = [s for s in sources
              if s.suite in suites and "main" in s.components and re.match(r"^(https?|file|copy):", s.uri)]
    named = [s for s in usable if s.uri.rstrip("/").rsplit("/", 1)[-1] == archive]
    best = named or usable
    return best[0].uri.rstrip("/") if best else None


def find(distributions, environ=None, sources=None, release=None):
    """Returns (distribution, mirror): `distributions` maps a name to its guest.conf section.

    Debian is the guest of choice. On another Debian derivative whose archive guest.conf knows,
    that archive serves when no Debian mirror is known.
    """
    environ = os.environ if environ is None else environ
    sources = read_sources() if sources is None else sources
    host_id, codename = host_release() if release is None else release
    if environ.get("BLEND_MIRROR"):
        chosen = environ.get("BLEND_DISTRIBUTION", "debian")
        if chosen not in distributions:
            raise BuildError(f"BLEND_DISTRIBUTION={chosen} is not known", f"use one of {', '.join(distributions)}")
        return chosen, environ["BLEND_MIRROR"].rstrip("/")
    known = DEBIAN_SUITES | ({codename} if host_id == "debian" and codename else set())
    mirror = pick(sources, known, "debian")
    if mirror:
        return "debian", mirror
    if host_id in distributions and codename:
        mirror = pick(sources, {codename}, host_id)
        if mirror:
            return host_id, mirror
    raise BuildError("no Debian mirror in the machine's apt sources", "set BLEND_MIRROR to the URL of one")
