# SPDX-License-Identifier: MIT
"""What a home may look like after a power cut: all its states, one for each number of operations carried out, and
for each file all its contents.

Names and attributes are held to this: the tree found is that after the first k operations for some k, where k is
at least what had been made durable, at most what had been started. (The upper is an ext4 with its journal: it
commits names and attributes in the order they were made.) The order of data is not promised: each byte of a file
is that of some content the file had since its data were last synced. A file that was never written to, whatever
else was done with it (a copy-up!), so has its one content or the test fails.
"""
import os
import time

from lab import sysops, tree
from model.lockstep import TICK_S, shown_time
from model.load import quiet, syncs
from model.actor import Actions, perform
from model.oracle import torn

_UNTIMED = "dpc"  # a copy-up moves a directory's time and puts it back in a second step


def view(root):
    """Names and attributes of a home, without sizes and data; and the identity of each object."""
    shown = tree.snapshot(root, data=False)
    identities = {}
    for path, item in shown.items():
        info = sysops.statx(os.path.join(root, path))
        identities[path] = (info.ino, info.btime_ns)
        item["ctime"] = (info.ctime_s, info.ctime_n)
    return shown, identities


def within_tick(ctime):
    """Whether a change that comes now may bear the same ctime."""
    return time.time() - ctime[0] - ctime[1] / 10**9 < TICK_S


def comparable(item):
    kept = {key: value for key, value in item.items() if key not in ("ctime", "size", "data")}
    kept["mtime"] = None if item["type"] in _UNTIMED else shown_time(item["mtime"])
    return kept


def alike(state, found, untimed):
    if not untimed:
        return state == found
    return {path: {**item, "mtime": None} if path in untimed else item for path, item in state.items()} == {
        path: {**item, "mtime": None} if path in untimed else item for path, item in found.items()}


class Timeline:
    def __init__(self, plain_root, home):
        self.root, self.home = plain_root, os.path.join(plain_root, home)
        self.actions = Actions(plain_root)
        self.states, self.identities = [], []  # by the number of operations done
        self.changed = {}  # identity -> (ctime, number of the operation that last changed it)
        self.young = set()  # identities whose content was read within a tick of its last change: read again
        self.contents = {}  # identity -> [(number of the operation after which it was so, bytes)]
        self.promises = []  # (moment from which it holds, number of operations)
        self.synced = {}  # identity -> [(moment, number of the operation whose data it holds)]
        self.entries = []
        self.look()

    def replay(self, entries):
        for entry in entries:
            self.entries.append(entry)
            operation = quiet(entry.operation)
            if operation is not None:
                self.perform(operation)
            self.look()
            self.note_promise(entry)
        self.actions.close_all()

    def perform(self, operation):
        if operation[0] == "write_file" and operation[4] & os.O_TRUNC:
            # Between its two steps the file is empty.
            try:
                info = sysops.statx(os.path.join(self.root, operation[1]), 0)
            except OSError:
                info = None
            if info and (info.ino, info.btime_ns) in self.contents:
                self.contents[info.ino, info.btime_ns].append((len(self.states), b""))
        perform(self.actions, operation)

    def look(self):
        number = len(self.states)
        shown, identities = view(self.home)
        for path, item in shown.items():
            identity = identities[path]
            changed = self.changed.get(identity, (None,))[0] != item["ctime"]
            if changed:
                self.changed[identity] = (item["ctime"], number)
            if item["type"] == "-" and (changed or identity in self.young):
                (self.young.add if within_tick(item["ctime"]) else self.young.discard)(identity)
                self.note_content(identity, number, os.path.join(self.home, path))
        for fd in self.actions.fds.values():
            info = sysops.statx("", sysops.AT_EMPTY_PATH, fd)
            if info.mode & 0o170000 == 0o100000:  # also what has no name
                self.note_content((info.ino, info.btime_ns), number, "/proc/self/fd/%d" % fd)
        self.states.append({path: comparable(item) for path, item in shown.items()})
        self.identities.append(identities)

    def note_content(self, identity, number, path):
        with open(path, "rb") as stream:
            data = stream.read()
        # What is made later is empty at first, also where one operation makes and fills it.
        known = self.contents.setdefault(identity, [(number, b"")] if number else [])
        if not known or known[-1][1] != data:
            known.append((number, data))

    def note_promise(self, entry):
        attributes, data = syncs(entry)
        if not attributes and not data:
            return
        number = len(self.states) - 1
        word = entry.operation[1]
        if isinstance(word, int):
            info = sysops.statx("", sysops.AT_EMPTY_PATH, self.actions.fds[word])
        else:
            info = sysops.statx(os.path.join(self.root, word))
        if entry.operation[0] == "write_file" and info.mode & 0o170000 != 0o100000:
            return  # what went to a device or a FIFO; O_SYNC has no meaning for the file system there
        identity = (info.ino, info.btime_ns)
        directory = info.mode & 0o170000 == 0o040000
        # A file with several links: removing one of them is not a change of the file that fsync has to know of.
        if attributes and (directory or info.nlink == 1) and identity in self.changed:
            self.promises.append((entry.ended_at, self.changed[identity][1]))
        whole = entry.operation[0] != "write_file" or entry.answer == info.size
        if data and not directory and whole:
            self.synced.setdefault(identity, []).append((entry.ended_at, number))

    # --- judging ---

    def window(self, cut):
        """(fewest, most) operations that the tree found after a cut may contain."""
        low = max([number for moment, number in self.promises if moment <= cut], default=0)
        return low, sum(entry.started <= cut for entry in self.entries)

    def check(self, cut, union, home):
        """Lines that say what is wrong with a home found after a cut; and the number of operations found."""
        root = os.path.join(union.root, home)
        found = {path: comparable(item) for path, item in tree.snapshot(root, data=False).items()}
        untimed = self.being_filled(os.path.join(union.upper, home), found)
        low, high = self.window(cut)
        fitting = [number for number in range(low, high + 1) if alike(self.states[number], found, untimed)]
        if not fitting:
            nearest = min(range(len(self.states)), key=lambda n: (len(tree.difference(self.states[n], found)), -n))
            equal = [number for number, state in enumerate(self.states) if state == found]
            return ["/%s is the tree after none of %d to %d operations (but of %r); nearest is %d:" % (
                home, low, high, equal, nearest)] + [
                "  " + line for line in tree.difference(self.states[nearest], found)] + self.history(low, high), 0
        trials = [self.check_data(number, cut, high, root) for number in fitting]
        return min(trials, key=len), fitting[0]

    def being_filled(self, upper, found):
        """Metadata-only copies. Their data are copied in place before the mark goes, and that moves the time of the
        file, which is put back in a second step: a cut between the two leaves the time of the copy."""
        def marked(path):
            return "trusted.overlay.metacopy" in os.listxattr(os.path.join(upper, path), follow_symlinks=False)
        return {path for path, item in found.items() if item["type"] == "-" and item["mtime"] == "now" and
                os.path.lexists(os.path.join(upper, path)) and marked(path)}

    def check_data(self, number, cut, high, root):
        lines = []
        for path, item in self.states[number].items():
            if item["type"] != "-":
                continue
            identity = self.identities[number][path]
            with open(os.path.join(root, path), "rb") as stream:
                lines += torn("/" + path, self.possible(identity, cut, high), stream.read())
        return lines

    def possible(self, identity, cut, high):
        """The contents a file may have a part of."""
        base = max([number for moment, number in self.synced.get(identity, ()) if moment <= cut], default=0)
        known = [(number, data) for number, data in self.contents[identity] if number <= high]
        first = max([index for index, (number, _) in enumerate(known) if number <= base], default=0)
        return [data for _, data in known[first:]]

    def history(self, low, high):
        return ["  %d (record %d to %s): %r -> %r" % (number + 1, entry.started, entry.ended_at, entry.operation, entry.answer)
                for number, entry in enumerate(self.entries[:high + 3]) if number >= low - 3][:60]
