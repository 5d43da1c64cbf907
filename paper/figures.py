# SPDX-License-Identifier: MIT
"""All figures of a report: which there are, and their files."""

import contextlib
import csv
import io
import os
import tempfile
import warnings

import svg
from plots import (boot_phases, boot_timeline, calibration, drift, forest, host_layers, host_ratios, matrix, overview, scaling, storage_growth, style,
                   throughput)

# Order of the page.
_MODULES = (matrix, scaling, storage_growth, boot_phases, boot_timeline, forest, throughput, drift, calibration)
_HOST_MODULES = (matrix, host_ratios, host_layers, calibration)


def all_plots(report):
    """Every plot that this report has data for, in the order of the page."""
    style.prepare()
    looks = style.looks(report.arms)
    modules = _HOST_MODULES if report.host else _MODULES
    return [plot for module in modules for plot in module.plots(report, looks)]


@contextlib.contextmanager
def quietly():
    """A glyph the font lacks is drawn as a box; that is no news for standard error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def save(made, path, backdrop=style.PAPER):
    """Writes the figure as PDF or PNG by the path's ending; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    kind = os.path.splitext(path)[1][1:]
    metadata = {"pdf": {"CreationDate": None, "Producer": None, "Creator": None}, "png": {"Software": None}}[kind]
    made.savefig(buffer, format=kind, facecolor=backdrop, metadata=metadata, bbox_inches="tight", pad_inches=0.12)
    write(path, buffer.getvalue())


def save_data(plot, path):
    """The numbers of every mark, as CSV (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for row in plot.table():
        writer.writerow([_cell(value) for value in row])
    write(path, text.getvalue().encode("utf-8"))


def _cell(value):
    """A spreadsheet takes a text that begins like a formula for one: labels may come from anywhere."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


def write(path, data):
    """Whole or not at all: a reader never sees half a file."""
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".report-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def draw(plot, narrow):
    return plot.draw(style.Canvas(narrow))


def markup(made, plot, variant):
    """The drawing as SVG for the page."""
    return svg.inline(made, f"{plot.name}-{variant}")


def picture(report, path):
    """One PNG of the run's boot phases and ratios, fit for a README."""
    style.prepare()
    write(path, overview.png(report, style.looks(report.arms)))
