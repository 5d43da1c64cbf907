#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Model-based parity test: seeded random histories of operations by several processes of several users, on
blendfs and on a plain directory with the same content, compared step by step and over remounts.

parity.py --blendfs BINARY [--seeds A..B] [--steps N] [--minutes M] [--layers N] [--replay FILE]

Without --seeds it goes on with new seeds until --minutes are over. A difference is shrunk to a short script,
printed, that --replay takes. Exit status as run.py's.
"""
import argparse
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from lab import engines, layers, sandbox  # noqa: E402
from model import history  # noqa: E402

SEED_LIMIT_S = 180


def seeds_of(text):
    match = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", text)
    if not match:
        raise argparse.ArgumentTypeError("a seed or a range A..B")
    first = int(match[1])
    return range(first, int(match[2] or first) + 1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blendfs", help="the binary to test")
    parser.add_argument("--engine", choices=sorted(engines.ENGINES), default="blendfs")
    parser.add_argument("--seeds", type=seeds_of)
    parser.add_argument("--first", type=int, default=1, help="the seed to begin with under --minutes")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--minutes", type=float, help="how long (default 1 without --seeds)")
    parser.add_argument("--layers", type=int, help="number of lower layers (default: the seed decides)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--options", default="", help="mount options for the engine, as after -o")
    parser.add_argument("--shrink", type=float, default=60, metavar="SECONDS", help="time for making a failure small")
    parser.add_argument("--keep-going", action="store_true", help="do not end after the first failing seeds")
    parser.add_argument("--replay", metavar="FILE", help="runs a printed script instead")
    options = parser.parse_args()
    options.mount = [word for word in options.options.split(",") if word]
    return options


def main():
    options = arguments()
    if options.engine == "blendfs":
        if not options.blendfs or not os.access(options.blendfs, os.X_OK):
            print("parity.py: --blendfs has to name the built binary (ninja blendfs)", file=sys.stderr)
            return 2
        engines.Blendfs.binary = os.path.abspath(options.blendfs)
    work = replay if options.replay else sweep
    return sandbox.run_inside(__file__, lambda base: work(options, base), fuse=options.engine == "blendfs")


def sweep(options, base):
    os.umask(0)
    return Sweep(options, base).run()


def replay(options, base):
    os.umask(0)
    space = dict(vars(layers))
    with open(options.replay) as stream:
        exec(compile(stream.read(), options.replay, "exec"), space)  # its own output, given by its user
    text = history.replay(space["spec"], space["steps"], "watch", os.path.join(base, "replay"), options.engine,
                          options.mount)
    print(text or "no difference")
    print("%d passed, %d failed, 0 skipped" % (not text, bool(text)))
    return 1 if text else 0


class Sweep:
    """Seeds, one process each, some at a time."""

    def __init__(self, options, base):
        self.options, self.base = options, base
        self.running = {}  # pid -> (seed, start, pipe)
        self.passed = self.operations = 0
        self.failed = []
        self.end = time.monotonic() + 60 * (options.minutes or 1) if options.minutes or not options.seeds else None
        self.waiting = iter(options.seeds or range(options.first, 10**9))

    def run(self):
        while True:
            while len(self.running) < max(1, self.options.jobs) and not self.over():
                seed = next(self.waiting, None)
                if seed is None:
                    break
                self.start(seed)
            if not self.running:
                break
            self.collect()
        print("%d operations over %d seeds; failing seeds: %s" % (
            self.operations, self.passed + len(self.failed), " ".join(map(str, self.failed)) or "none"))
        print("%d passed, %d failed, 0 skipped" % (self.passed, len(self.failed)))
        return 1 if self.failed else 0

    def over(self):
        return (self.end and time.monotonic() > self.end) or (self.failed and not self.options.keep_going)

    def start(self, seed):
        reader, writer = os.pipe()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            os.setpgid(0, 0)
            code = 1
            try:
                code = self.child(seed, writer)
            except BaseException as error:
                os.write(writer, ("the test itself broke: %r" % error).encode())
                raise
            finally:
                sys.stdout.flush()
                os._exit(code)
        os.close(writer)
        self.running[pid] = (seed, time.monotonic(), reader)

    def child(self, seed, writer):
        folder = os.path.join(self.base, "seed%d" % seed)
        os.mkdir(folder)
        plan = history.Plan(seed, self.options.steps, self.options.layers)
        done, failure = history.run_seed(plan, os.path.join(folder, "run"), self.options.engine, self.options.mount)
        text = "%d " % done
        if failure:
            first = failure.text
            history.shrink(failure, folder, self.options.engine, self.options.mount, self.options.shrink)
            text += "%s\n  shrunk to %d steps: %s\n%s" % (first, len(failure.steps), failure.text,
                                                          history.script(failure))
        with os.fdopen(writer, "w") as stream:
            stream.write(text)
        return 1 if failure else 0

    def collect(self):
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            self.end_the_stuck()
            time.sleep(0.02)
            return
        if pid not in self.running:
            return  # an orphan of a killed seed
        seed, _, reader = self.running.pop(pid)
        with os.fdopen(reader, errors="replace") as stream:
            count, _, text = stream.read().partition(" ")
        if status == 0:
            self.passed += 1
            self.operations += int(count)
            return
        self.failed.append(seed)
        print("FAILED seed %d: %s\n" % (seed, text if count.isdigit() else count + " " + text))

    def end_the_stuck(self):
        for pid, (seed, started, _) in self.running.items():
            if time.monotonic() - started > SEED_LIMIT_S + self.options.shrink:
                print("seed %d did not end within %d s" % (seed, SEED_LIMIT_S + self.options.shrink))
                self.kill_daemons(os.path.join(self.base, "seed%d" % seed))
                os.killpg(pid, 9)
                self.running[pid] = (seed, time.monotonic(), self.running[pid][2])

    def kill_daemons(self, folder):
        for name in os.listdir(folder):
            listed = os.path.join(folder, name, "union", "pids")
            if os.path.exists(listed):
                with open(listed) as pids:
                    for line in pids:
                        try:
                            os.kill(int(line), 9)
                        except ProcessLookupError:
                            pass


if __name__ == "__main__":
    sys.exit(main())
