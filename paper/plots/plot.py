# SPDX-License-Identifier: MIT
"""What the page must know of a figure besides its drawing. A value."""

import dataclasses
from typing import Callable


@dataclasses.dataclass(frozen=True)
class Plot:
    name: str        # file name in plots/ and the word after --plot
    title: str       # one line, said as a finding's subject, not as a file name
    caption: str     # how to read it: marks, scale, what is compared
    data: str        # members of the export document that it draws
    header: tuple    # the text alternative: a table of the numbers drawn
    rows: tuple
    draw: Callable   # style.Canvas -> matplotlib figure
    marks: tuple = ()  # every mark drawn, unrounded: a header, then rows. For plots/NAME.csv; without it that has `header` and `rows`

    def table(self):
        """Header and rows of the CSV file beside the drawing."""
        return self.marks or (self.header,) + self.rows
