# SPDX-License-Identifier: MIT
"""Turns a matplotlib figure into SVG that lives inside the page: themed by its style sheet, with ids of its own.

The drawing's sentinel inks (plots/style.py) become CSS variables, its text takes the page's font. Everything that a
stand-alone file needs (XML head, metadata, width and height) goes. Text inside is escaped by matplotlib.
"""

import io
import re

from plots import style

_VARIABLES = {style.INK: "--ink", style.MUTED: "--muted", style.RULE: "--rule", style.BAND: "--band", style.PAPER: "--page",
              style.REFERENCE: "--arm-reference", style.CONTROL: "--arm-control",
              # Dark on light; a dark page brightens them (style.css).
              "#0072b2": "--arm-blue", "#d55e00": "--arm-vermillion", "#009e73": "--arm-green", style.PHASE_RAMP[0]: "--phase-first"}
_STYLE_ATTRIBUTE = re.compile(r' style="([^"]*)"')
_FONT = re.compile(r"font: ((?:[a-z0-9]+ )*)([\d.]+px) [^;]*")


def inline(made, prefix):
    """SVG markup of the figure; `prefix` ([a-z0-9-]+) keeps its ids apart from those of other figures."""
    buffer = io.StringIO()
    made.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg"):]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r"<style type=\"text/css\">.*?</style>", "", text, flags=re.S)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    head, body = text.split(">", 1)
    box = re.search(r'viewBox="([^"]*)"', head).group(1)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', body)
    body = re.sub(r'(url\(#|xlink:href="#)', rf"\g<1>{prefix}-", body).replace("xlink:href", "href")
    body = _STYLE_ATTRIBUTE.sub(lambda match: f' style="{_themed(match.group(1))}"', body)
    body = re.sub(r"\n\s*\n+", "\n", body)
    # The text alternative stands beside the figure, so that assistive tools need not read marks.
    return f'<svg viewBox="{box}" aria-hidden="true" focusable="false">{body.strip()}'


def _themed(css):
    for ink, variable in _VARIABLES.items():
        css = css.replace(ink, f"var({variable})")
    return _FONT.sub(r"font: \1\2 var(--sans)", css)
