# SPDX-License-Identifier: MIT
"""The command line of paper/report: arguments, exit status, files. Everything it prints is one line."""

import argparse
import json
import logging
import os
import sys

import loading
import reader
import textsafe

EXIT_OK = 0
EXIT_BROKE = 1        # a defect of the report itself
EXIT_USAGE = 2        # wrong arguments, or an input that is not a report export
EXIT_ENVIRONMENT = 3  # something the machine lacks: a package, a writable folder, space

_EPILOG = """exit status:
  0    done
  1    a defect of this program (BLEND_DEBUG=1 shows where)
  2    wrong arguments, or INPUT.json is not an export of a run
  3    the machine lacks something: a Python package, a writable folder, disk space

INPUT.json is made by: blendbench export RUN --format report > INPUT.json
The same input gives the same bytes."""


class _Failed(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def main(arguments):
    try:
        _run(_parse(arguments))
        return EXIT_OK
    except _Failed as failed:
        print(f"report: {failed}", file=sys.stderr)
        return failed.status
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # the barrier: a user sees a line, never a traceback
        if os.environ.get("BLEND_DEBUG"):
            raise
        print(f"report: a defect of this program: {type(error).__name__}: {textsafe.one_line(error)} "
              "(BLEND_DEBUG=1 shows where; please report it)", file=sys.stderr)
        return EXIT_BROKE


def _parse(arguments):
    parser = argparse.ArgumentParser(prog="report", description="Makes a run's report: report.html and plots/ (PDF, PNG and CSV of each plot).",
                                     epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", metavar="INPUT.json", nargs="?", help="the exported document; - reads standard input")
    parser.add_argument("--out", metavar="DIR", help="folder for report.html and plots/ (made if missing)")
    parser.add_argument("--plot", metavar="NAME", action="append", default=[],
                        help="make only this plot's PDF, PNG and CSV, and no page; may be given several times")
    parser.add_argument("--picture", metavar="FILE", help="write one PNG with the run's boot phases and ratios")
    parser.add_argument("--list", action="store_true", help="print the names of the plots this input has data for")
    parser.add_argument("--versions", action="store_true", help="print, as JSON, the versions of what draws, and do nothing else")
    parsed = parser.parse_args(arguments)
    if parsed.versions:
        return parsed
    if not parsed.input:
        parser.error("name the exported document, INPUT.json")
    if not (parsed.out or parsed.picture or parsed.list):
        parser.error("nothing to do: give --out DIR, --picture FILE or --list")
    if parsed.plot and not parsed.out:
        parser.error("--plot needs --out DIR")
    if parsed.picture and not parsed.picture.lower().endswith(".png"):
        parser.error("--picture writes PNG: its FILE must end in .png")
    return parsed


def _versions():
    _import_figures()
    import platform
    import jinja2
    import matplotlib
    return {"python": platform.python_version(), "matplotlib": matplotlib.__version__, "jinja2": jinja2.__version__}


def _run(arguments):
    if arguments.versions:
        print(json.dumps(_versions(), sort_keys=True))
        return
    report = _load(arguments.input)
    figures = _import_figures()
    plots = figures.all_plots(report)
    if arguments.list:
        print("\n".join(plot.name for plot in plots))
    unknown = [name for name in arguments.plot if name not in {plot.name for plot in plots}]
    if unknown:
        raise _Failed(EXIT_USAGE, f"--plot {textsafe.one_line(unknown[0], 60)}: no such plot of this input; "
                                  f"there are {', '.join(plot.name for plot in plots) or 'none'}")
    try:
        with figures.quietly():
            if arguments.out:
                chosen = [plot for plot in plots if plot.name in arguments.plot] if arguments.plot else plots
                _write(figures, report, chosen, arguments)
            if arguments.picture:
                figures.picture(report, arguments.picture)
    except OSError as error:
        place = textsafe.one_line(error.filename or arguments.out or arguments.picture, 300)
        raise _Failed(EXIT_ENVIRONMENT, f"cannot write {place}: {error.strerror}; "
                                        "name a folder you may write to, with some MiB free") from None


def _load(name):
    shown = "standard input" if name == "-" else textsafe.one_line(name, 300)
    try:
        if name == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(name, "rb") as source:
                data = source.read()
    except OSError as error:
        raise _Failed(EXIT_USAGE, f"cannot read {shown}: {error.strerror}; make it with: blendbench export RUN --format report > FILE") from None
    except ValueError:
        raise _Failed(EXIT_USAGE, f"cannot read {shown}: not a file name") from None
    try:
        return loading.load(data)
    except reader.InvalidInput as error:
        raise _Failed(EXIT_USAGE, f"{shown}: {error}") from None


def _import_figures():
    cache = os.environ.get("BLEND_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache"), "blendfs")
    # Matplotlib keeps a list of fonts; the user's own configuration must not change a report.
    os.environ["MPLCONFIGDIR"] = os.path.join(cache, "matplotlib")
    logging.getLogger("matplotlib").setLevel(logging.CRITICAL)
    try:
        import jinja2  # noqa: F401
        import figures
    except ImportError as error:
        raise _Failed(EXIT_ENVIRONMENT, f"the Python package {error.name} is missing; install python3-matplotlib and python3-jinja2") from None
    return figures


def _write(figures, report, plots, arguments):
    folder = os.path.join(arguments.out, "plots")
    os.makedirs(folder, exist_ok=True)
    drawn = []
    for plot in plots:
        wide = figures.draw(plot, narrow=False)
        figures.save(wide, os.path.join(folder, plot.name + ".pdf"))
        figures.save(wide, os.path.join(folder, plot.name + ".png"))
        figures.save_data(plot, os.path.join(folder, plot.name + ".csv"))
        if not arguments.plot:
            drawn.append((plot, figures.markup(wide, plot, "w"), figures.markup(figures.draw(plot, narrow=True), plot, "n")))
    if not arguments.plot:
        import render
        page = render.page(report, drawn, "report.json" if arguments.input == "-" else arguments.input)
        figures.write(os.path.join(arguments.out, "report.html"), page.encode("utf-8"))
