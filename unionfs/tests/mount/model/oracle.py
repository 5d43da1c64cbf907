# SPDX-License-Identifier: MIT
"""What a log says the tree has to be: its operations carried out again on a plain directory, and the one that
was under way when the daemon died settled by what is found: not there, there, or (data only) there in part.
"""
import os
import stat

from lab import sysops, tree
from model.actor import Actor
from model.load import DEAD, quiet
from model.lockstep import Difference, picture, same_answer

# Operations whose data may be cut in the middle: POSIX promises no atomic write.
_DATA = ("write_file", "fwrite", "pwrite", "copy_range", "fallocate", "map_write")


class Oracle:
    """The plain directory's side of one process's home."""

    def __init__(self, plain_root, union_root, home, user):
        self.plain, self.union, self.home = plain_root, union_root, home
        self.actor = Actor(plain_root, user)

    def end(self):
        self.actor.end()

    def do(self, operation):
        self.actor.send([operation])
        return self.actor.receive()[0]

    def apply(self, entry, killed_at):
        """Carries out a finished operation; the answer has to be the union's."""
        operation = quiet(entry.operation)
        if operation is None or (entry.ended_at > killed_at and hides_death(operation, entry.answer)):
            return
        answer = self.do(operation)
        if entry.ended and not same_answer(operation, entry.answer, answer):
            raise Difference("%r: blendfs %r, plain %r" % (operation, entry.answer, answer))

    def replay(self, entries, numbers, killed_at):
        """All of a log. Afterwards the plain home is what the union's has to be, or one step behind."""
        for entry in entries:
            if not entry.ended:
                self.check_end(entry, entries, killed_at)
                return entry
            self.apply(entry, killed_at)
            for path, number in entry.numbers.items():
                check_number(numbers, self.plain, path, number)
        return None

    def check_end(self, entry, entries, killed_at):
        if entry is not entries[-1]:
            raise Difference("%r went on after an error that only a dead daemon may cause" % (entry.operation,))
        if entry.answer in DEAD and entry.ended_at < killed_at:
            raise Difference("%r: %s while the daemon lived" % (entry.operation, entry.answer))

    # --- the operation that was under way ---

    def picture(self, root):
        return picture(os.path.join(root, self.home))

    def settle(self, entry):
        """Compares the home with what the union shows now, after a new mount; makes the plain one follow it."""
        found, before = self.picture(self.union), self.picture(self.plain)
        if not tree.difference(before, found):
            return "absent"
        if entry is None:
            raise Difference("after the kill /%s is not what it was:\n    %s" % (
                self.home, "\n    ".join(tree.difference(before, found))))
        if not tree.difference(_without_directory_times(before), _without_directory_times(found)):
            self.adopt(before, found)
            return "absent"
        contents = {path: self.data(self.plain, path) for path, item in before.items() if item["type"] == "-"}
        operation = quiet(entry.operation)
        if operation is not None:
            self.do(operation)
        after = self.picture(self.plain)
        self.check_between(entry.operation, before, after, found, contents)
        self.adopt(after, found)
        return "there" if not tree.difference(after, found) else "partly"

    def data(self, root, path):
        with open(os.path.join(root, self.home, path), "rb") as stream:
            return stream.read()

    def check_between(self, operation, before, after, found, contents):
        problems = tree.difference(_names(after), _names(found))
        if not problems:
            for path, item in found.items():
                problems += self.between(operation, path, before.get(path), after[path], item, contents)
        if problems:
            raise Difference("%r was under way and is neither there nor not:\n    %s\n  against before:\n    %s" % (
                operation, "\n    ".join(problems),
                "\n    ".join(tree.difference(before, found))))

    def between(self, operation, path, before, after, found, contents):
        problems = []
        for key, value in found.items():
            wanted = [after[key]] + ([before[key]] if before and key in before else [])
            if value in wanted or (key == "mtime" and found["type"] in "dpc"):
                continue
            if key in ("data", "size", "mtime") and operation[0] in _DATA:
                continue  # judged by the bytes
            problems.append("/%s: %s is %r, not one of %r" % (path, key, value, wanted))
        if found["type"] == "-" and found["data"] != after["data"] and operation[0] in _DATA:
            old, new = contents.get(path, b""), self.data(self.plain, path)
            cut = operation[0] == "write_file" and operation[4] & os.O_TRUNC
            problems += torn("/" + path, [old, new], self.data(self.union, path), 0 if cut else None)
        return problems

    def adopt(self, expected, found):
        """What was accepted although it is not quite the plain tree's becomes the plain tree's."""
        for path, item in found.items():
            if item == expected[path]:
                continue
            plain, union = (os.path.join(root, self.home, path) for root in (self.plain, self.union))
            info = os.lstat(union)
            if item["type"] == "-" and item["data"] != expected[path]["data"]:
                with open(plain, "wb") as stream:
                    stream.write(self.data(self.union, path))
            os.chown(plain, info.st_uid, info.st_gid, follow_symlinks=False)
            if not stat.S_ISLNK(info.st_mode):
                os.chmod(plain, stat.S_IMODE(info.st_mode))
            for key in set(item["xattrs"]) | set(expected[path]["xattrs"]):
                if key in item["xattrs"]:
                    os.setxattr(plain, key, item["xattrs"][key], follow_symlinks=False)
                elif key in os.listxattr(plain, follow_symlinks=False):
                    os.removexattr(plain, key, follow_symlinks=False)
            os.utime(plain, ns=(info.st_atime_ns, info.st_mtime_ns), follow_symlinks=False)


def hides_death(operation, answer):
    """The daemon's death can look like this answer, and nothing was changed then: access(2) as Python has it says
    "no", and so does the kernel (EPERM) where it asks whether somebody may link a file of another's
    (fs.protected_hardlinks) and gets any error.
    """
    return operation[0] == "access" or (operation[0] in ("link", "linkfd") and answer == "EPERM")


def torn(shown, versions, got, lowest=None):
    """Lines unless `got` is made of bytes that some version has at that place, and no longer than the longest."""
    sizes = [len(version) for version in versions]
    low = min(sizes) if lowest is None else lowest
    if not low <= len(got) <= max(sizes):
        return ["%s: %d bytes, not between %d and %d" % (shown, len(got), low, max(sizes))]
    padded = [version.ljust(len(got), b"\0") for version in versions]
    for start in range(0, len(got), 512):
        piece = got[start:start + 512]
        if any(version[start:start + 512] == piece for version in padded):
            continue
        for at, byte in enumerate(piece, start):
            if all(version[at] != byte for version in padded):
                return ["%s: byte %d is %r, in no version: %s" % (
                    shown, at, bytes([byte]), [version[at:at + 8] for version in padded][-4:])]
    return []


def _names(shown):
    """The part of a picture that may never be in between: which names there are and what they lead to."""
    kept = ("type", "links", "target", "rdev")
    return {path: {"mode": "0o0", "uid": 0, **{key: item[key] for key in kept if key in item}}
            for path, item in shown.items()}


def _without_directory_times(shown):
    return {path: {**item, "mtime": None} if item["type"] == "d" else item for path, item in shown.items()}


def check_number(numbers, plain_root, path, number):
    """An object's inode number in the union is one for its whole life; `numbers` remembers."""
    try:
        info = sysops.statx(os.path.join(plain_root, path))
    except OSError:
        raise Difference("/%s had inode number %d but is not in the oracle" % (path, number)) from None
    known = numbers.setdefault((info.ino, info.btime_ns), number)
    if known != number:
        raise Difference("st_ino of /%s was %d, now %d" % (path, known, number))
