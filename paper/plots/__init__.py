# SPDX-License-Identifier: MIT
"""One plot a file. Each module draws from a `model.Report` alone and returns a matplotlib figure; see style.Canvas."""
