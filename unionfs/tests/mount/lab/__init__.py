# SPDX-License-Identifier: MIT
"""What the mount tests stand on: a sandbox, engines to mount with, layers to build, trees to compare."""
