# SPDX-License-Identifier: MIT
"""What the user sees: one line per step, and errors that say what to do."""
import subprocess
import sys
import time


class BuildError(Exception):
    """The build cannot go on. `remedy` tells the user what to do about it."""

    def __init__(self, problem, remedy=""):
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self):
        return f"{self.problem}: {self.remedy}" if self.remedy else self.problem


class Progress:
    """Prints a line per step, with the seconds since the start."""

    def __init__(self):
        self._start = time.monotonic()

    def step(self, text):
        print(f"[{time.monotonic() - self._start:6.1f} s] {text}", flush=True)


def run(argv, what, remedy="", log_path=None, **kwargs):
    """Runs a command to its end and returns its stdout (bytes).

    On failure raises BuildError with the last line that the command wrote, and leaves its whole
    output in `log_path` when one is given.
    """
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **kwargs)
    except FileNotFoundError as error:
        raise BuildError(f"{what}: {argv[0]} is not installed", "run setup/install") from error
    if log_path is not None:
        log_path.write_bytes(done.stdout + done.stderr)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else f"{argv[0]} ended with status {done.returncode}"
        hint = remedy or (f"see {log_path}" if log_path is not None else "")
        raise BuildError(f"{what}: {reason}", hint)
    return done.stdout


def warn(text):
    print(f"build: warning: {text}", file=sys.stderr, flush=True)
