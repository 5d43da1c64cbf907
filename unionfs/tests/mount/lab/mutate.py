# SPDX-License-Identifier: MIT
"""Mutations of layers, as somebody would make them who wants the union to fall over or to look where it must
not. Each is a method of Mutator that takes a path; what the file system refuses is skipped.
"""
import os
import shutil
import stat

PREFIX = "trusted.overlay."
KEYS = ("redirect", "redirect", "redirect", "opaque", "origin", "impure", "metacopy", "nlink", "whiteout",
        "upper", "protattr", "uuid", "overlay.opaque")


class Mutator:
    def __init__(self, layers, work, canary, rng):
        self.layers, self.work, self.canary, self.rng = layers, work, canary, rng
        self.log = []

    def objects(self, root):
        found = []
        for base, folders, files in os.walk(root):
            found += [os.path.join(base, name) for name in folders + files]
        return sorted(found)

    def run(self, count):
        rng = self.rng
        for _ in range(count):
            if rng.random() < 0.2:
                action, path = rng.choice((self.disturb_index, self.disturb_work)), self.work
            else:
                self.root = rng.choice((self.layers[0], self.layers[0], *self.layers))
                self.paths = self.objects(self.root)
                if not self.paths:
                    continue
                path = rng.choice(self.paths)
                action = rng.choice((self.set_mark, self.set_mark, self.set_mark, self.copy_mark, self.loop,
                                     self.loop, self.change_type, self.change_type, self.swap, self.resize,
                                     self.odd_name, self.deepen, self.join, self.strip))
            self.log.append("%s %s" % (action.__name__, path))
            try:
                action(path)
            except (OSError, shutil.Error) as error:
                self.log[-1] += ": %s" % error

    # --- attributes ---

    def redirect(self):
        """A redirect that should not be followed, or leads somewhere odd."""
        rng = self.rng
        name = os.path.relpath(rng.choice(self.paths), self.root)
        return rng.choice((
            "..", ".", "/", "//", "", "/..", "/../canary", "../../canary", "../canary/deep", self.canary,
            self.canary + "/deep", "/" + name + "/../../../canary", "/" + name, "/" + name, os.path.basename(name),
            name, "/trap", "/trap/deep", "trap", "/up/canary", "/" + "a" * 255 + "/b", "a" * 256, "/" + "x/" * 2047 + "x",
            "a" * 5000, "/" + name + "/", "/a\0b", "/proc/self/root", "/" + name + "\n",
            "/../" * 20 + self.canary)).encode()

    def value(self, key):
        rng = self.rng
        if key == "redirect":
            return self.redirect()
        if key == "origin" and rng.random() < 0.5:
            # A head that is right, a handle that is not.
            body = rng.randbytes(rng.choice((16, 17, 24, 40, 100)))
            head = bytes((0, 0xfb, len(body) + 5 + rng.choice((0, 0, 1, -3)), rng.choice((0, 1, 4)), rng.choice((1, 0x81, 255))))
            return head + body
        if key == "nlink":
            return rng.choice((b"U+1", b"U-1", b"L-5", b"L+2147483647", b"U-2147483648", b"U+99999999999999999999",
                               b"X", b"", b"U", b"U+", b"L+-3", b"U+1\0"))
        return rng.choice((b"", b"y", b"x", b"n", b"yy", b"\0", rng.randbytes(rng.randrange(1, 300)), b"y" * 3000))

    def set_mark(self, path):
        key = self.rng.choice(KEYS)
        os.setxattr(path, PREFIX + key, self.value(key), follow_symlinks=False)

    def copy_mark(self, path):
        """What one object says, said by another: two objects of one origin, a file with a directory's."""
        other = self.rng.choice(self.paths)
        for key in os.listxattr(other, follow_symlinks=False):
            if key.startswith(PREFIX):
                os.setxattr(path, key, os.getxattr(other, key, follow_symlinks=False), follow_symlinks=False)

    def strip(self, path):
        for key in os.listxattr(path, follow_symlinks=False):
            if key.startswith(PREFIX):
                os.removexattr(path, key, follow_symlinks=False)

    def loop(self, path):
        """Directories that redirect to each other, to themselves, to their own inside."""
        folders = [p for p in self.paths if os.path.isdir(p) and not os.path.islink(p)] or [path]
        one, two = self.rng.choice(folders), self.rng.choice(folders)
        for where, to in ((one, two), (two, one)):
            os.setxattr(where, PREFIX + "redirect", ("/" + os.path.relpath(to, self.root)).encode())

    # --- objects ---

    def remove(self, path):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)

    def make(self, path):
        """Anything, where nothing is."""
        rng = self.rng
        kind = rng.choice(("file", "dir", "link", "link", "node"))
        if kind == "file":
            with open(path, "xb") as stream:
                stream.write(rng.randbytes(rng.randrange(100)))
        elif kind == "dir":
            os.mkdir(path)
        elif kind == "link":
            os.symlink(rng.choice((self.canary, "../canary", "../../canary", "..", "/", ".", os.path.basename(path),
                                   "a" * 4000, self.canary + "/canary-secret")), path)
        else:
            os.mknod(path, rng.choice((stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFCHR)) | 0o666,
                     rng.choice((0, 0, os.makedev(1, 3))))

    def change_type(self, path):
        self.remove(path)
        self.make(path)

    def swap(self, path):
        other = self.rng.choice(self.paths)
        spare = os.path.join(self.root, "spare")
        os.rename(path, spare)
        os.rename(other, path)
        os.rename(spare, other)

    def resize(self, path):
        if stat.S_ISREG(os.lstat(path).st_mode):
            os.truncate(path, self.rng.choice((0, 1, 70000, 1 << 33)))

    def odd_name(self, path):
        folder = path if os.path.isdir(path) and not os.path.islink(path) else os.path.dirname(path)
        name = self.rng.choice(("a" * 255, "\n", "#t1", ".wh.x", "trap", "up", "\\:,", "\x7f\x01", "work", "é" * 100))
        self.make(os.path.join(folder, name))

    def deepen(self, path):
        folder = path if os.path.isdir(path) and not os.path.islink(path) else os.path.dirname(path)
        for _ in range(self.rng.choice((5, 40))):
            folder = os.path.join(folder, "d")
            os.mkdir(folder)
        self.set_mark(folder)

    def join(self, path):
        os.link(path, os.path.join(os.path.dirname(self.rng.choice(self.paths)), "joined"), follow_symlinks=False)

    # --- the work directory ---

    def disturb_index(self, work):
        index = os.path.join(work, "index")
        if os.path.islink(index):
            return  # what is behind it is not ours to change
        names = os.listdir(index)
        path = os.path.join(index, self.rng.choice(names)) if names else os.path.join(index, "00fb1d0001")
        action = self.rng.choice(("retype", "mark", "rename", "link", "remove"))
        if action == "retype":
            if names:
                self.remove(path)
            self.make(path)
        elif action == "mark":
            key = self.rng.choice(("nlink", "nlink", "origin", "metacopy"))
            os.setxattr(path, PREFIX + key, self.value(key), follow_symlinks=False)
        elif action == "rename":
            os.rename(path, os.path.join(index, self.rng.choice(("#x", "zz", "00" * 100, "a" * 255))))
        elif action == "link":
            upper = [p for p in self.objects(self.layers[0]) if stat.S_ISREG(os.lstat(p).st_mode)]
            self.remove(path)
            os.link(self.rng.choice(upper), path)
        else:
            self.remove(index if self.rng.random() < 0.3 else path)

    def disturb_work(self, work):
        inner = os.path.join(work, "work")
        if os.path.islink(inner):
            return
        action = self.rng.randrange(4)
        if action == 0:
            self.remove(inner)
            self.make(inner)
        elif action == 1:
            os.symlink(self.canary, os.path.join(inner, "t1"))
        elif action == 2:
            os.makedirs(os.path.join(inner, "t2", *("d" * 30)))
            os.symlink(self.canary, os.path.join(inner, "t2", "link"))
        else:
            self.make(os.path.join(inner, "t3"))
