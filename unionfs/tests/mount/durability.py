#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Durability: random load by several processes, then the daemon is killed, or the power of the upper's disk cut,
and what is found afterwards compared with what the processes had been told.

durability.py kill|power --blendfs BINARY [--seeds A..B] [--minutes M] [--rounds N] [--options WORDS]

Without --seeds it goes on with new seeds until --minutes are over. Each seed is printed when it fails; what a
seed does is random but for timing, so run it with more --rounds to see a failure again. Exit status as run.py's.
"""
import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from lab import engines, sandbox  # noqa: E402
from model.kill import Killing  # noqa: E402
from model.lockstep import Difference  # noqa: E402
from parity import Sweep, seeds_of  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["kill", "power"])
    parser.add_argument("--blendfs", required=True, help="the binary to test")
    parser.add_argument("--recorder", help="the helper program blendfs_recorder (default: found beside a build's blendfs)")
    parser.add_argument("--seeds", type=seeds_of)
    parser.add_argument("--first", type=int, default=1, help="the seed to begin with under --minutes")
    parser.add_argument("--minutes", type=float, help="how long (default 1 without --seeds)")
    parser.add_argument("--rounds", type=int, default=12, help="kills, or cuts, of a seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--options", default="", help="mount options for blendfs, as after -o")
    parser.add_argument("--keep-going", action="store_true", help="do not end after the first failing seed")
    options = parser.parse_args()
    options.mount = [word for word in options.options.split(",") if word]
    options.shrink = 0
    return options


class Durability(Sweep):
    counts = ()

    def child(self, seed, writer):
        folder = os.path.join(self.base, "seed%d" % seed)
        os.mkdir(folder)
        run = self.maker()(seed, os.path.join(folder, "run"), self.options.mount)
        text = ""
        try:
            run.run(self.options.rounds)
        except (Difference, OSError, TimeoutError, engines.EngineError) as error:
            text = "%s: %s" % (type(error).__name__, error)
            if run.union.complaints():
                text += "\n  blendfs printed: " + run.union.complaints()
        with os.fdopen(writer, "w") as stream:
            stream.write("%d %s" % (run.finished, text))
        print("seed %d: %s" % (seed, run.summary()))
        return 1 if text else 0

    def maker(self):
        if self.options.what == "kill":
            return Killing
        from model.power import PowerCut
        PowerCut.recorder = self.options.recorder
        return PowerCut


def main():
    options = arguments()
    if not os.access(options.blendfs, os.X_OK):
        print("durability.py: --blendfs has to name the built binary (ninja blendfs)", file=sys.stderr)
        return 2
    engines.Blendfs.binary = os.path.abspath(options.blendfs)
    beside = os.path.join(os.path.dirname(engines.Blendfs.binary), "../tests/mount/blendfs_recorder")
    options.recorder = options.recorder or os.path.realpath(beside)
    return sandbox.run_inside(__file__, lambda base: sweep(options, base))


def sweep(options, base):
    os.umask(0)
    return Durability(options, base).run()


if __name__ == "__main__":
    sys.exit(main())
