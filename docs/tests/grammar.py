# SPDX-License-Identifier: MIT
"""What the project's programs take, learnt from their --help."""
import functools
import re

import support

_SWITCHES = re.compile(r"(?<![\w-])(--?[A-Za-z][\w-]*)")
_TYPES = "TEXT|INT|UINT|FLOAT|NUMBER|PERCENT"


class Grammar:
    """Options by command ("" for those of no command), which of them take a value, and the words of -o."""

    def __init__(self, commands, valued=(), words=frozenset()):
        self.commands = commands
        self.valued = frozenset(valued)
        self.words = frozenset(words)


def help_of(path, *command):
    status, out, err = support.run(path, *command, "--help")
    if status != 0 or not out:
        raise AssertionError(f"{path} {' '.join(command)} --help ends with {status}: {err}")
    return out


def parse_blendfs(text):
    """Switches before "Options (-o", words of -o behind it. Only lines indented by two columns begin something."""
    head, _, tail = text.partition("Options (-o")
    switches = {option for line in head.splitlines() if re.match(r"^  -", line) for option in _SWITCHES.findall(line[:25])}
    words = set()
    for line in tail.splitlines():
        if not re.match(r"^  [a-z]", line):
            continue
        comma = True
        for token in line.split():
            if not (comma or "=" in token):
                break
            word = re.match(r"[a-z_]+", token)
            if not word:
                break
            words.add(word.group())
            comma = token.endswith(",")
    return Grammar({"": switches | {"-o"}}, {"-o"}, words)


def parse_blendctl(text):
    """A command a line that is indented by two columns; its switches are in brackets behind it."""
    commands = {"": {"-o"}}
    for line in text.splitlines():
        match = re.match(r"^  ([a-z]+)((?: \S+)*)", line)
        if match:
            commands[match.group(1)] = set(_SWITCHES.findall(match.group(2)))
        elif re.match(r"^  -", line):
            commands[""] |= set(_SWITCHES.findall(line[:25]))
    return Grammar(commands, {"-o", "--tar"})


def parse_cli11(text):
    """(options, those that take a value, subcommands) of one --help of blendbench."""
    options, valued, commands, part = set(), set(), [], ""
    for line in text.splitlines():
        if re.match(r"^[A-Z][a-z]+:$", line):
            part = line
        elif part == "Options:":
            match = re.match(rf"^  (-[\w,-]+)(?: ({_TYPES})\b)?", line)
            if match:
                names = set(match.group(1).split(","))
                options |= names
                valued |= names if match.group(2) else set()
        elif part == "Subcommands:":
            match = re.match(r"^  ([a-z]+)\s{2,}", line)
            if match:
                commands.append(match.group(1))
    return options, valued, commands


def _blendbench():
    path = support.program("blendbench")
    commands, valued = {}, set()

    def learn(*command):
        options, takes, below = parse_cli11(help_of(path, *command))
        commands["-".join(command)] = options
        valued.update(takes)
        for name in below:
            learn(*command, name)

    learn()
    return Grammar(commands, valued)


def parse_plain(text):
    """A program without commands: every option that its help names; in capitals behind it, a value."""
    valued = {match.group(1) for match in re.finditer(r"(--?[a-z][\w-]*)[ =](?:[A-Z]{2,}|N\b|ID\b|[a-z]+\|)", text)}
    return Grammar({"": set(_SWITCHES.findall(text))}, valued)


# Programs that are there without a build, by the words that call them.
SCRIPTS = {
    "reproduce": "reproduce", "check": "check", "setup/install": "setup/install", "vm-images/build": "vm-images/build",
    "paper/report": "paper/report", "paper/history": "paper/history", "paper/index": "paper/index",
}


@functools.lru_cache(maxsize=None)
def of(name):
    """Skips the test where the program is not built."""
    if name == "blendfs":
        return parse_blendfs(help_of(support.program(name)))
    if name == "blendctl":
        return parse_blendctl(help_of(support.program(name)))
    if name == "blendbench":
        return _blendbench()
    return parse_plain(help_of(support.ROOT / SCRIPTS[name]))
