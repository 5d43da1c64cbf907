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
