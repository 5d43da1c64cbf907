# SPDX-License-Identifier: MIT
"""What all plots share: colours, type, and lay-out in inches.

Colours are Okabe and Ito's, which colour-blind readers can tell apart (without their yellow, which is too faint on
paper); an arm also has a marker of its own, so that no figure depends on colour. The inks below are sentinels: svg.py turns them into variables of the page's style
sheet, by which the one drawing suits light and dark pages.

Text is measured before it is placed and cut with an ellipsis where it would not fit: the page shows it in full.
"""

import dataclasses
import functools
import logging
import os

import matplotlib

matplotlib.use("Agg")
from matplotlib import figure, font_manager, ft2font  # noqa: E402

INK = "#1b1c20"
MUTED = "#5c606a"
RULE = "#d5d8de"
BAND = "#e9edf2"
PAPER = "#fefefd"
REFERENCE = "#4a4d55"
CONTROL = "#8b8f99"

_OKABE_ITO = {"blue": "#0072b2", "vermillion": "#d55e00", "green": "#009e73", "purple": "#cc79a7",
              "orange": "#e69f00", "sky": "#56b4e9"}
_MARKERS = ("s", "D", "^", "v", "P", "X", "p", "h", "<", ">", "d", "*")

# The arms of the standard experiment keep their colour from report to report.
_HOUSE_COLOURS = {("fine", "blendfs"): "blue", ("fine", "overlayfs"): "vermillion", ("monolithic", ""): "green",
                  ("coarse", ""): "orange", ("block", ""): "purple"}

# Phases follow each other in time, so they get one hue from dark to light; the merge, which the paper is about, stands out.
PHASE_RAMP = ("#2b4a6b", "#4a6f94", "#7895b5", "#a5b9cf", "#c9d5e2")
MERGE_COLOUR = "#d55e00"

WIDE_IN = 8.2
NARROW_IN = 3.7
BASE_PT = 8.5
SMALL_PT = 7.5


@dataclasses.dataclass(frozen=True)
class Look:
    colour: str
    marker: str
    filled: bool = True


@dataclasses.dataclass(frozen=True)
class Canvas:
    """Where a plot is drawn: `narrow` for a phone (labels stand above their rows), else for a page."""
    narrow: bool

    @property
    def width(self):
        return NARROW_IN if self.narrow else WIDE_IN

    def figure(self, height):
        made = figure.Figure(figsize=(self.width, max(height, 0.8)))
        made.patch.set_alpha(0)
        return made


def prepare():
    """Matplotlib as this project wants it, whatever the user's own configuration says."""
    logging.getLogger("matplotlib").setLevel(logging.CRITICAL)
    matplotlib.rcdefaults()
    matplotlib.use("Agg")
    matplotlib.rcParams.update({
        "font.family": ["DejaVu Sans"], "font.size": BASE_PT, "text.parse_math": False, "text.usetex": False,
        "text.color": INK, "axes.labelcolor": MUTED, "axes.edgecolor": RULE, "axes.linewidth": 0.8,
        "axes.facecolor": "none", "axes.labelsize": SMALL_PT, "axes.unicode_minus": True,
        "xtick.color": RULE, "ytick.color": RULE, "xtick.labelcolor": MUTED, "ytick.labelcolor": MUTED,
        "xtick.labelsize": SMALL_PT, "ytick.labelsize": SMALL_PT, "xtick.major.size": 3, "ytick.major.size": 0,
        "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
        "grid.color": RULE, "grid.linewidth": 0.6, "svg.fonttype": "none", "svg.hashsalt": "blendbench",
        "pdf.fonttype": 42, "figure.dpi": 96, "savefig.dpi": 160, "axes.formatter.use_mathtext": False,
        "axes.formatter.useoffset": False,
    })


def looks(arms):
    """Look of every arm by id: the same in all figures of a report."""
    taken = set()
    chosen = {}
    others = [arm for arm in arms if not arm.reference and not arm.control]
    for arm in others:
        colour = _HOUSE_COLOURS.get((arm.layout, arm.engine))
        if colour and colour not in taken:
            taken.add(colour)
            chosen[arm.id] = colour
    free = [colour for colour in _OKABE_ITO if colour not in taken]
    palette = list(_OKABE_ITO)
    result = {}
    used = set()
    for index, arm in enumerate(others):
        colour = _OKABE_ITO[chosen.get(arm.id) or (free.pop(0) if free else palette[index % len(palette)])]
        # Colours repeat in a long list of arms; colour and marker together do so only after dozens.
        turns = [_MARKERS[(index + turn) % len(_MARKERS)] for turn in range(len(_MARKERS))]
        marker = next((marker for marker in turns if (colour, marker) not in used), turns[0])
        used.add((colour, marker))
        result[arm.id] = Look(colour, marker)
    for arm in arms:
        if arm.reference:
            result[arm.id] = Look(REFERENCE, "o")
        elif arm.control:
            result[arm.id] = Look(CONTROL, "o", filled=False)
    return result


def phase_colours(phases):
    """Colour of each phase metric, in their order."""
    colours = []
    plain = [phase for phase in phases if not is_merge(phase)]
    for phase in phases:
        if is_merge(phase):
            colours.append(MERGE_COLOUR)
            continue
        position = plain.index(phase) / max(len(plain) - 1, 1) * (len(PHASE_RAMP) - 1)
        colours.append(_mix(position))
    return colours


def is_merge(phase):
    return "merge" in phase.id


def _mix(position):
    low = int(position)
    high = min(low + 1, len(PHASE_RAMP) - 1)
    share = position - low
    pairs = [(int(PHASE_RAMP[low][i:i + 2], 16), int(PHASE_RAMP[high][i:i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


# --- text ----------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def _font(bold):
    properties = font_manager.FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    return font_manager.get_font(font_manager.findfont(properties))


@functools.lru_cache(maxsize=4096)
def text_width(text, size=BASE_PT, bold=False):
    """Inches that a line of text takes."""
    font = _font(bold)
    font.set_size(size, 72)
    font.set_text(text, 0.0, flags=ft2font.LOAD_NO_HINTING)
    # Sub-pixels of a 64th; a pixel is a point at 72 dots per inch.
    return font.get_width_height()[0] / 64 / 72


def fit(text, width, size=BASE_PT, bold=False):
    """`text`, cut with an ellipsis so that it takes at most `width` inches."""
    if text_width(text, size, bold) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle].rstrip() + "…", size, bold) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def arm_labels(report, width, size=BASE_PT):
    """Label of every arm by id, cut to `width` inches so that labels that differ still do when cut."""
    labels = {arm.id: arm.label for arm in report.arms}
    cut = {arm: fit(label, width, size) for arm, label in labels.items()}
    for short in set(cut.values()):
        alike = [arm for arm in cut if cut[arm] == short]
        if len(alike) > 1:
            start = len(os.path.commonprefix([labels[arm] for arm in alike]))
            head = fit(short.rstrip("…"), width * 0.45, size).rstrip("…")
            for arm in alike:
                # From the word in which the labels part.
                part = labels[arm][max(labels[arm].rfind(" ", 0, start), 0):].strip()
                cut[arm] = fit(f"{head}… {part}", width, size) if start > len(head) else cut[arm]
    return cut


# --- pieces of figures ---------------------------------------------------------------------------


class Legend:
    """Entries flowing over as many lines as the figure's width needs; `height` is known before anything is drawn."""

    _LINE_IN = 0.19
    _MARK_IN = 0.17
    _GAP_IN = 0.18

    def __init__(self, canvas, entries):
        """`entries`: (label, draw) where draw(axes, x, y) puts the mark, in inches."""
        self._width = canvas.width
        self._lines = [[]]
        x = 0.0
        for label, draw in entries:
            label = fit(label, self._width - self._MARK_IN - 0.05, SMALL_PT)
            needed = self._MARK_IN + text_width(label, SMALL_PT)
            if x > 0 and x + needed > self._width:
                self._lines.append([])
                x = 0.0
            self._lines[-1].append((x, label, draw))
            x += needed + self._GAP_IN
        self.height = self._LINE_IN * len(self._lines) + 0.05 if entries else 0.0

    def draw(self, made, top):
        """Draws with its upper edge `top` inches below the figure's upper edge."""
        if not self.height:
            return
        axes = inch_axes(made, 0, top, self._width, self.height)
        for row, line in enumerate(self._lines):
            y = self.height - (row + 0.5) * self._LINE_IN
            for x, label, draw in line:
                draw(axes, x + 0.06, y)
                axes.text(x + self._MARK_IN, y, label, size=SMALL_PT, color=MUTED, va="center_baseline")


def inch_axes(made, left, top, width, height):
    """Invisible axes whose data units are inches, placed by its distance from the figure's upper left corner."""
    axes = place_axes(made, left, top, width, height)
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.axis("off")
    return axes


def place_axes(made, left, top, width, height):
    total_width, total_height = made.get_size_inches()
    return made.add_axes((left / total_width, 1 - (top + height) / total_height, width / total_width, height / total_height))


def arm_mark(look):
    def draw(axes, x, y):
        axes.plot([x], [y], **point(look, 5))
    return draw


def patch_mark(colour, hatch=None):
    def draw(axes, x, y):
        axes.add_patch(matplotlib.patches.Rectangle((x - 0.06, y - 0.05), 0.12, 0.1, facecolor=colour, hatch=hatch, linewidth=0))
    return draw


def point(look, size):
    """Keyword arguments of a marker for Axes.plot."""
    return {"linestyle": "none", "marker": look.marker, "markersize": size, "color": look.colour,
            "markerfacecolor": look.colour if look.filled else PAPER,
            "markeredgecolor": look.colour, "markeredgewidth": 0.9, "clip_on": False}


def stamp(made, canvas, report):
    """The run's stamp in the upper right corner, so that a figure cut out of the report keeps it."""
    if report.stamp():
        axes = inch_axes(made, 0, 0, canvas.width, 0.2)
        axes.text(canvas.width, 0.1, report.stamp().upper(), size=6.5, color=MUTED, ha="right", va="center_baseline", weight="bold")


def stamp_height(report):
    """Inches that stamp() needs at the top of a figure."""
    return 0.24 if report.stamp() else 0.02
