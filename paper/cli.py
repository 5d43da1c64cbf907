# SPDX-License-Identifier: MIT
"""The command line of paper/report: arguments, exit status, files. Everything it prints is one line."""

import argparse
import json
import os

import command
import loading
import reader
import textsafe

_EPILOG = """exit status:
  0    done
  1    a defect of this program (BLEND_DEBUG=1 shows where)
  2    wrong arguments, or INPUT.json is not an export of a run
  3    the machine lacks something: a Python package, a writable folder, disk space

INPUT.json is made by: blendbench export RUN --format report > INPUT.json
The same input gives the same bytes."""

STRATEGIES = "strategies"  # the folder of their pages, beside report.html


def main(arguments):
    return command.carry_out("report", lambda: _run(_parse(arguments)))


def _parse(arguments):
    parser = argparse.ArgumentParser(prog="report", description="Makes a run's report: report.html, strategies/ (a page each) and plots/ (PDF, PNG and CSV of each plot).",
                                     epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", metavar="INPUT.json", nargs="?", help="the exported document; - reads standard input")
    parser.add_argument("--out", metavar="DIR", help="folder for report.html, strategies/ and plots/ (made if missing)")
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
    command.import_figures()
    import platform
    import jinja2
    import matplotlib
    return {"python": platform.python_version(), "matplotlib": matplotlib.__version__, "jinja2": jinja2.__version__}


def _run(arguments):
    if arguments.versions:
        print(json.dumps(_versions(), sort_keys=True))
        return
    report = command.load(arguments.input, "blendbench export RUN --format report", loading.load, reader.InvalidInput)
    figures = command.import_figures()
    plots = figures.all_plots(report)
    if arguments.list:
        print("\n".join(plot.name for plot in plots))
    unknown = [name for name in arguments.plot if name not in {plot.name for plot in plots}]
    if unknown:
        raise command.Failed(command.EXIT_USAGE, f"--plot {textsafe.one_line(unknown[0], 60)}: no such plot of this input; "
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
        raise command.Failed(command.EXIT_ENVIRONMENT, f"cannot write {place}: {error.strerror}; "
                                        "name a folder you may write to, with some MiB free") from None


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
        strategies = os.path.join(arguments.out, STRATEGIES)
        os.makedirs(strategies, exist_ok=True)
        for name, text in render.strategy_pages(report).items():
            figures.write(os.path.join(strategies, name), text.encode("utf-8"))
