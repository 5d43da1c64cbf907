# SPDX-License-Identifier: MIT
"""The command line of paper/history: arguments, exit status, files. Everything it prints is one line."""

import argparse
import os

import command
import loading_history
import reader
import textsafe

_EPILOG = """exit status: as paper/report's
INPUT.json is made by: blendbench history --json > INPUT.json
The same input gives the same bytes."""


def main(arguments):
    return command.carry_out("history", lambda: _run(_parse(arguments)))


def _parse(arguments):
    parser = argparse.ArgumentParser(prog="history", description="Makes plots of a history: PDF and PNG, one for each experiment and arm.",
                                     epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", metavar="INPUT.json", help="the exported document; - reads standard input")
    parser.add_argument("--out", metavar="DIR", required=True, help="folder for the plots (made if missing)")
    parser.add_argument("--narrow", action="store_true", help="for a phone")
    parser.add_argument("--changed", action="store_true", help="only what changed")
    return parser.parse_args(arguments)


def _run(arguments):
    history = command.load(arguments.input, "blendbench history --json", loading_history.load, reader.InvalidInput)
    figures = command.import_figures()
    from plots import history as history_plots, style
    style.prepare()
    plots = history_plots.plots(history, changed_only=arguments.changed)
    try:
        os.makedirs(arguments.out, exist_ok=True)
        with figures.quietly():
            for plot in plots:
                made = plot.draw(style.Canvas(arguments.narrow))
                for kind in ("pdf", "png"):
                    figures.save(made, os.path.join(arguments.out, f"{plot.name}.{kind}"))
                print(f"{plot.name}: {plot.title}")
    except OSError as error:
        raise command.Failed(command.EXIT_ENVIRONMENT, f"cannot write {textsafe.one_line(error.filename or arguments.out, 300)}: {error.strerror}") from None
    if not plots:
        print("nothing to draw: no series" + (" changed" if arguments.changed else " has two runs"))
