# SPDX-License-Identifier: MIT
"""One picture of a run, for a README: boot phases above, ratios below, with what was run and its stamp."""

import io

import numpy
from matplotlib import image
from matplotlib.backends import backend_agg

import words
from plots import boot_phases, forest, host_ratios, style, throughput

_DPI = 200
_MARGIN_IN = 0.25


def png(report, looks):
    """Bytes of a PNG. Light background, so that it reads on a dark page as well."""
    canvas = style.Canvas(narrow=False)
    title = "Boot time and throughput of guests by layout of their images"
    chosen = (boot_phases.plots(report, looks)[:1] + (throughput.plots(report, looks) or forest.plots(report, looks))[:1])
    if report.host:
        title, chosen = "Union file systems side by side on one host", host_ratios.plots(report, looks)
    pieces = [_pixels(_heading(canvas, title, 12, True)), _pixels(_heading(canvas, _facts(report), style.SMALL_PT, False))]
    for plot in chosen:
        pieces += [_gap(canvas), _pixels(_heading(canvas, plot.title, 10, True)), _pixels(plot.draw(canvas))]
    if not chosen:
        pieces.append(_pixels(_heading(canvas, "No guest of this run gave a value to draw.", style.BASE_PT, False)))
    pad = round(_MARGIN_IN * _DPI)
    stacked = numpy.pad(numpy.vstack(pieces), ((pad, pad), (pad, pad), (0, 0)), constant_values=255)
    buffer = io.BytesIO()
    image.imsave(buffer, stacked, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()


def _facts(report):
    run = report.run
    blocks = f"{words.plural(run.blocks_done, 'block')}, " if run.blocks_done is not None else ""
    return f"{blocks}{words.plural(len(report.samples), 'sample' if report.host else 'guest')}, substrate {run.substrate}, run {run.id}"


def _heading(canvas, text, size, bold):
    made = canvas.figure(0.8)
    made.set_size_inches(canvas.width, size / 72 * 1.9)
    axes = style.inch_axes(made, 0, 0, canvas.width, size / 72 * 1.9)
    axes.text(0.02, size / 72 * 0.6, style.fit(text, canvas.width - 0.1, size, bold), size=size, weight="bold" if bold else "normal",
              color=style.INK if bold else style.MUTED)
    return made


def _gap(canvas):
    return numpy.full((round(0.12 * _DPI), round(canvas.width * _DPI), 3), 255, dtype=numpy.uint8)


def _pixels(made):
    """The figure as rows of RGB bytes, exactly as wide as every other piece."""
    made.set_dpi(_DPI)
    made.patch.set_alpha(1)
    made.patch.set_facecolor("white")
    agg = backend_agg.FigureCanvasAgg(made)
    agg.draw()
    pixels = numpy.asarray(agg.buffer_rgba())[:, :, :3]
    width = round(style.WIDE_IN * _DPI)
    return numpy.pad(pixels[:, :width], ((0, 0), (0, max(0, width - pixels.shape[1])), (0, 0)), constant_values=255)
