# SPDX-License-Identifier: MIT
"""Whether a command in a document is one that its program takes."""
import os
import re

import grammar
import shellwords
import support

# What stands for something else: RUN1, $L, ..., DIR.
_PLACEHOLDER = re.compile(r"^(?:[A-Z][A-Z0-9_]*|.*\$.*|.*\.\.\..*|.*[{}].*)$")


def mount_words():
    """Words of -o that --help only hints at; the man page lists them, and a test holds it against the source."""
    import manpage
    page = manpage.ManPage((support.MAN / "blendfs.8.scd").read_text(encoding="utf-8"))
    return {key for term in page.in_section(manpage_section()) for key in manpage_keys(term)}


def manpage_section():
    return "Words of mount(8) and of overlayfs"


def manpage_keys(term):
    """Keys of a term that lists words of -o: `*a=*_X_, *b*` gives a and b."""
    keys = []
    for part in term.line.split(", "):
        match = re.match(r"^\*((?:\\.|[^*])+)\*", part)
        if match:
            keys.append(re.sub(r"\\(.)", r"\1", match.group(1)).split("=")[0])
    return keys


def program_of(words):
    """The name in grammar.of, "mount" for mount(8) of a blendfs, or None."""
    first = words[0]
    base = os.path.basename(first)
    if base in ("blendfs", "blendctl", "blendbench") or base == "blendfs-static":
        return "blendfs" if base == "blendfs-static" else base
    if base == "mount" and "fuse.blendfs" in words:
        return "mount"
    name = first[2:] if first.startswith("./") else first
    if name not in grammar.SCRIPTS or ("/" not in first):
        return None  # a plain "check" is a word like any other
    return name


def _split_options(text):
    """The words of one -o; commas behind a backslash are part of a name."""
    return [word for word in re.split(r"(?<!\\),", text) if word]


def _layer_problems(text, variables):
    known = grammar.of("blendfs").words | mount_words()
    if text.startswith("$"):
        text = variables.get(text[1:].strip("{}"), "")
    for word in _split_options(text.replace("[", "").replace("]", "")):
        key = word.partition("=")[0]
        if not _PLACEHOLDER.match(key) and key not in known and not key.startswith(("x-", "X-")):
            yield f"-o {key}: blendfs does not list it"


def problems(command):
    """Lines without the place. Skips the test where the program is not built."""
    if not command.words:
        yield "the line cannot be cut into words"
        return
    words = [word for word in command.words if word not in ("...", "\\")]
    name = program_of(words)
    if name is None:
        return
    if name == "mount":
        for at, word in enumerate(words):
            if word == "-o" and at + 1 < len(words):
                yield from _layer_problems(words[at + 1], command.variables)
        return
    yield from _problems_of(name, words[1:], command)


def _problems_of(name, words, command):
    known = grammar.of(name)
    at, path = 0, ""
    while len(known.commands) > 1 and at < len(words):
        below = f"{path}-{words[at]}" if path else words[at]
        if below not in known.commands:
            break
        path, at = below, at + 1
    if len(known.commands) > 1 and not path and at < len(words) and not words[at].startswith("-") and not _PLACEHOLDER.match(words[at]):
        yield f"{name} {words[at]}: there is no such command"
        return
    options = known.commands[path] | {"-h", "--help"}
    if name == "blendctl":
        options = options | known.commands[""]
    operands = []
    while at < len(words):
        word = words[at]
        at += 1
        option, equals, value = word.partition("=")
        if not word.startswith("-") or word in ("-", "--"):
            operands.append(word)
            continue
        if word.startswith("-o") and name in ("blendfs", "blendctl") and len(word) > 2:
            option, equals, value = "-o", "=", word[2:]
        if option not in options:
            yield f"{name} {path} {option}: there is no such option".replace("  ", " ")
            continue
        if option in known.valued and not equals:
            value = words[at] if at < len(words) else ""
            at += 1
        if option == "-o" and name in ("blendfs", "blendctl"):
            yield from _layer_problems(value, command.variables)
        if option in ("--claims", "--jobs") and not _exists(value, command):
            yield f"{option} {value}: there is no such file"
        if name == "reproduce" and option == "--profile" and not _is_profile(value):
            yield f"--profile {value}: there is no such profile"
    if name == "blendbench" and path in ("run", "plan", "calibrate") and operands and not _is_spec(operands[0], command):
        yield f"{path} {operands[0]}: there is no such spec"


def _exists(name, command):
    return bool(_PLACEHOLDER.match(name)) or name in command.made or (support.ROOT / name).exists()


def _is_spec(name, command):
    return (_exists(name, command) if name.endswith(".toml") or "/" in name
            else bool(_PLACEHOLDER.match(name)) or (support.ROOT / "harness/specs" / f"{name}.toml").exists())


def _is_profile(name):
    return (bool(_PLACEHOLDER.match(name)) or (support.ROOT / "harness/profiles" / name).exists()
            or (support.ROOT / "harness/specs" / f"{name}.toml").exists())


def commands_of(page):
    yield from shellwords.of_fences(page)
    for command in shellwords.of_code(page):
        if program_of(command.words):
            yield command
