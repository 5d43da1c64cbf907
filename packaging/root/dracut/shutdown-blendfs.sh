#!/bin/sh
# SPDX-License-Identifier: MIT
# Read by dracut's own shutdown, which takes the place of ours where another module asks for it.

/usr/lib/blendfs/shutdown unmount
