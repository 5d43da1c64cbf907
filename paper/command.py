# SPDX-License-Identifier: MIT
"""What the programs of this folder have in common: exit status, one line for every failure, input."""

import logging
import os
import sys

import textsafe

EXIT_OK = 0
EXIT_BROKE = 1        # a defect of the program itself
EXIT_USAGE = 2        # wrong arguments, or an input that is not the export it should be
EXIT_ENVIRONMENT = 3  # something the machine lacks: a package, a writable folder, space


class Failed(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def carry_out(program, work):
    """The exit status of `work`, called without arguments."""
    try:
        work()
        return EXIT_OK
    except Failed as failed:
        print(f"{program}: {failed}", file=sys.stderr)
        return failed.status
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # the barrier: a user sees a line, never a traceback
        if os.environ.get("BLEND_DEBUG"):
            raise
        print(f"{program}: a defect of this program: {type(error).__name__}: {textsafe.one_line(error)} "
              "(BLEND_DEBUG=1 shows where; please report it)", file=sys.stderr)
        return EXIT_BROKE


def load(name, made_by, parse, invalid):
    """What `parse` makes of a file's bytes ("-": standard input); `made_by` is the command that writes such a file,
    `invalid` the exception of `parse` for one that is not."""
    shown = "standard input" if name == "-" else textsafe.one_line(name, 300)
    try:
        if name == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(name, "rb") as source:
                data = source.read()
    except OSError as error:
        raise Failed(EXIT_USAGE, f"cannot read {shown}: {error.strerror}; make it with: {made_by} > FILE") from None
    except ValueError:
        raise Failed(EXIT_USAGE, f"cannot read {shown}: not a file name") from None
    try:
        return parse(data)
    except invalid as error:
        raise Failed(EXIT_USAGE, f"{shown}: {error}") from None


def import_figures():
    cache = os.environ.get("BLEND_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache"), "blendfs")
    # Matplotlib keeps a list of fonts; the user's own configuration must not change a report.
    os.environ["MPLCONFIGDIR"] = os.path.join(cache, "matplotlib")
    logging.getLogger("matplotlib").setLevel(logging.CRITICAL)
    try:
        import jinja2  # noqa: F401
        import figures
    except ImportError as error:
        raise Failed(EXIT_ENVIRONMENT, f"the Python package {error.name} is missing; install python3-matplotlib and python3-jinja2") from None
    return figures
