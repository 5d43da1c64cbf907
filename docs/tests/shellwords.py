# SPDX-License-Identifier: MIT
"""The commands in a document: fenced blocks and code within lines, cut into words as a shell would. Pure."""
import re
import shlex

# Fences whose lines are commands; others hold data.
SHELL = frozenset(("", "sh", "bash", "shell", "console", "zsh", "yaml"))
# What may stand before a command.
PREFIXES = frozenset(("sudo", "then", "else", "do", "if", "while", "until", "!", "exec", "time", "env", "$", "source", "nohup", "{"))
_ASSIGNMENT = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*=")
_HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)")


class Command:
    """Words, where they stand, the files that the page has made by then, and variables that were set."""

    def __init__(self, number, words, made=(), variables=None):
        self.number = number
        self.words = words
        self.made = frozenset(made)
        self.variables = variables or {}


def logical_lines(lines):
    """(number, line) with continued lines joined, and without the text of here-documents."""
    held, end = None, None
    for number, line in lines:
        if end is not None:
            if line.strip() == end:
                end = None
            continue
        begin, text = held if held else (number, "")
        if line.rstrip().endswith("\\"):
            held = (begin, text + line.rstrip()[:-1] + " ")
            continue
        held = None
        heredoc = _HEREDOC.search(line)
        if heredoc:
            end = heredoc.group(1)
        yield begin, text + line
    if held:
        yield held


def split(line):
    """The line's commands, each a list of words, and the files that its output goes to. ValueError for an open quote."""
    line = re.sub(r"^\s*(?:-\s+)?(?:run:\s*\|?\s*|\$ )", "", line)
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    commands, words, files, redirect = [], [], [], ""
    for token in lexer:
        if token and not set(token) - set("();<>|&"):
            if set(token) & set("();|&"):
                commands.append(words)
                words = []
            redirect = "" if set(token) & set("();|&") else token
        elif redirect:
            if ">" in redirect:
                files.append(token)
            redirect = ""
        else:
            words.append(token.strip("[]"))
    commands.append(words)
    return [_bare(words) for words in commands if _bare(words)], files


def _bare(words):
    """Without what may stand before a command. An assignment alone stays."""
    rest = list(words)
    while rest and (rest[0] in PREFIXES or (_ASSIGNMENT.match(rest[0]) and len(rest) > 1)):
        rest.pop(0)
    return [word for word in rest if word]


def of_fences(page):
    """The commands of all fenced blocks, in order; a line that cannot be cut is a command without words."""
    made, variables = set(), {}
    for fence in page.fences:
        if fence.language not in SHELL:
            continue
        for number, line in logical_lines(fence.lines):
            try:
                commands, files = split(line)
            except ValueError:
                yield Command(number, [], made)
                continue
            for words in commands:
                if len(words) == 1 and _ASSIGNMENT.match(words[0]):
                    name, _, value = words[0].partition("=")
                    variables[name] = value
                yield Command(number, words, made, dict(variables))
            made.update(files)


def of_code(page):
    """The commands in code within lines."""
    for number, text in page.code:
        try:
            commands, _ = split(text)
        except ValueError:
            continue
        for words in commands:
            if len(words) > 1:
                yield Command(number, words)
