# SPDX-License-Identifier: MIT
"""The command line of paper/index: arguments, exit status, files. Everything it prints is one line."""

import argparse
import os
import tomllib

import command
import loading
import reader
import textsafe

_EPILOG = """exit status: as paper/report's
INPUT.json is made by: blendbench export RUN --format report > INPUT.json
The page links to report.html beside each input, so make the reports first. The same inputs give the same bytes."""


def main(arguments):
    return command.carry_out("index", lambda: _run(_parse(arguments)))


def _parse(arguments):
    parser = argparse.ArgumentParser(prog="index", description="Makes index.html over the reports of several experiments.",
                                     epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", metavar="INPUT.json", nargs="+", help="exported documents, below DIR")
    parser.add_argument("--claims", metavar="FILE", required=True, help="the claims (TOML): each gets its verdict, or a place among those without")
    parser.add_argument("--out", metavar="DIR", required=True, help="folder for index.html")
    return parser.parse_args(arguments)


def _claims(data):
    try:
        claims = tomllib.loads(data.decode("utf-8"))["claim"]
        return [(str(claim["id"]), str(claim["title"])) for claim in claims]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise reader.InvalidInput(f"not a file of claims: {textsafe.one_line(error)}") from None


def _link(name, out):
    """From the page to the report that lies beside an input."""
    return os.path.relpath(os.path.join(os.path.dirname(os.path.abspath(name)), "report.html"), os.path.abspath(out))


def _run(arguments):
    claims = command.load(arguments.claims, "git show HEAD:paper/claims.toml", _claims, reader.InvalidInput)
    reports = [(command.load(name, "blendbench export RUN --format report", loading.load, reader.InvalidInput), _link(name, arguments.out))
               for name in arguments.inputs]
    figures = command.import_figures()
    import render
    try:
        os.makedirs(arguments.out, exist_ok=True)
        figures.write(os.path.join(arguments.out, "index.html"), render.index(reports, claims).encode("utf-8"))
    except OSError as error:
        raise command.Failed(command.EXIT_ENVIRONMENT, f"cannot write {textsafe.one_line(error.filename or arguments.out, 300)}: {error.strerror}") from None
