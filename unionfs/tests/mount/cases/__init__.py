# SPDX-License-Identifier: MIT
"""One module per family of operations; every class derived from lab.case.Case is collected."""
