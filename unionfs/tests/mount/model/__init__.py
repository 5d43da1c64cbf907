# SPDX-License-Identifier: MIT
"""The model-based test: random histories over a union and a plain directory in lockstep."""
