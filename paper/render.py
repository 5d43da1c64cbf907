# SPDX-License-Identifier: MIT
"""Fills the template: the only place that makes HTML. Everything is escaped but the drawings and the style sheet."""

import os

import jinja2
import markupsafe

import page as page_words
import page_host
import page_index
import page_strategy

_SHEETS = ("style.css", "answers.css")
_HERE = os.path.dirname(os.path.abspath(__file__))


def page(report, drawn, input_name):
    """HTML text of the whole report. `drawn`: [(Plot, wide svg, narrow svg)]."""
    figures = [(plot, markupsafe.Markup(wide), markupsafe.Markup(narrow)) for plot, wide, narrow in drawn]
    template, words = ("host.html.j2", page_host) if report.host else ("report.html.j2", page_words)
    return _fill(template, words.context(report, figures, input_name))


def strategy_pages(report):
    """{file name: HTML text} of the pages of strategies, which lie in a folder of their own beside the report's."""
    return {name: _fill("strategy.html.j2", words) for name, words in page_strategy.contexts(report)}


def index(reports, claims):
    """HTML text of the page over several experiments. `reports`: [(Report, link to its page)], `claims`: [(id, title)]."""
    return _fill("index.html.j2", page_index.context(reports, claims))


def _fill(template, words):
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(os.path.join(_HERE, "templates")), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True)
    sheet = ""
    for name in _SHEETS:
        with open(os.path.join(_HERE, name), encoding="utf-8") as source:
            sheet += source.read()
    return environment.get_template(template).render(words, style_sheet=markupsafe.Markup(sheet))
