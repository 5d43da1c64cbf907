# SPDX-License-Identifier: MIT
"""One upper, two unions in turn: blendfs and the kernel's overlayfs each go on with a random history where the other
left it, and each has to find exactly what the other showed: names, contents, attributes, link counts, inode
numbers, and a nested union's attributes. Layers hold both forms of whiteouts.

BLENDFS_CROSS_SEEDS=A..B in the environment runs other seeds than the usual few.
"""
import os
import random

from lab import engines, layers, tree
from lab.case import Case, Environment, only_for
from lab.runner import limit
from model import generate
from model.actor import Actions, perform
from model.lockstep import build_layers, shown_time
from cases.cross_mount import OVERLAY, with_useful_whiteouts_only

TURNS = 5
STEPS = 50
# What a container's union writes through this one; it has to come back under the same names.
NESTED = ["trusted.overlay.opaque", "trusted.overlay.redirect", "trusted.overlay.whiteout", "trusted.overlay.origin",
          "trusted.overlay.metacopy", "trusted.overlay.nlink", "trusted.overlay.overlay.opaque"]
LARGE_FILES, LARGE_BYTES = 8, 150_000  # of a size where a change of attributes copies only those up


def seeds(first, last):
    words = os.environ.get("BLENDFS_CROSS_SEEDS", "%d..%d" % (first, last)).split("..")
    return range(int(words[0]), int(words[-1]) + 1)


def picture(root, userxattr=False):
    """With inode numbers, but for the root's, where overlayfs takes the upper directory's, and those that no
    attribute can keep: user.* is for files and directories alone."""
    shown = tree.snapshot(root, inode=True)
    del shown[""]["ino"]
    for item in shown.values():
        if userxattr and item["type"] not in "-d":
            del item["ino"]
        item["mtime"] = None if item["type"] in "pc" else shown_time(item["mtime"])
    return shown


class Nesting(generate.Generator):
    """A generator that mixes in what a union on top of this one would do, and changes of large files."""

    def __init__(self, chance, root, nested):
        super().__init__(chance, root)
        self.nested = nested

    def next(self):
        draw = self.chance.random()
        if draw < 0.1:
            self.look()
            key = self.chance.choice(self.nested)
            if draw < 0.07:
                return 0, ("setxattr", self.existing(), key, self.chance.choice([b"y", b"x", b"", b"/a/b", b"name"]), 0)
            return 0, ("removexattr", self.existing(), key)
        if draw < 0.2:
            name = self.chance.choice(["large%d" % number for number in range(LARGE_FILES)])
            return 0, self.chance.choice([
                ("chmod", name, 0o640), ("chmod", name, 0o600), ("lchown", name, 1000, 2000), ("lchown", name, 5, 6),
                ("setxattr", name, "user.k", b"v", 0), ("utime", name, 77), ("truncate", name, 70_000),
                ("write_file", name, self.seed(), 100, os.O_NONBLOCK), ("rename", name, self.fresh(), 0), ("link", name, self.fresh())])
        return super().next()


def random_spec(chance, with_hard=True):
    lowers = chance.choice([1, 2, 2, 3])
    spec = with_useful_whiteouts_only(build_layers(chance, lowers, generate.random_layers))
    for number, layer in enumerate(spec[1:]):
        for large in range(number % 2, LARGE_FILES, 2):
            layer["large%d" % large] = layers.file(b"large %d " % large * (LARGE_BYTES // 8), 0o666)
        if not with_hard:
            for path in [path for path, node in layer.items() if node.kind == "hard"]:
                del layer[path]
        marked = {path for path, node in layer.items() if node.kind == "dir" and not node.opaque}
        for path, node in list(layer.items()):
            if node.kind == "whiteout" and os.path.dirname(path) in marked | {""} and chance.random() < 0.5:
                layer[path] = layers.xwhiteout()
    return spec


@only_for("blendfs", why="compares the two engines")
class CrossTurns(Case):
    def take(self, kind, mounted, options):
        new = kind.over(mounted, options)
        self.mounts.append(new)
        new.mount()
        return new

    def history(self, chance, root, steps, nested=NESTED, skip=lambda root, operation: False):
        actions = Actions(root)
        generator = Nesting(chance, root, nested)
        for _ in range(steps):
            operation = generator.next()[1]
            if not skip(root, operation):
                perform(actions, operation)
        actions.close_all()

    def turns(self, seed, first, options, blend_options=(), **history):
        chance = random.Random("blendfs cross %d" % seed)
        engines.Blendfs.binary = Environment.blendfs
        spec = random_spec(chance, history.pop("with_hard", True))
        userxattr = "userxattr" in blend_options
        kinds = [engines.Blendfs, engines.Overlayfs]
        words = {engines.Blendfs: list(blend_options), engines.Overlayfs: options}
        kind = kinds[first]
        current = kind(os.path.join(Environment.folder, "u%d" % seed), spec[1:], spec[0], words[kind])
        self.mounts.append(current)
        current.mount()
        start = picture(current.root)
        self.assert_same_tree(self.plain_picture(spec, seed), without_numbers(start), "what %s makes of the layers" % current.name)
        for turn in range(TURNS):
            self.history(chance, current.root, STEPS, **history)
            left = picture(current.root, userxattr)
            current.unmount()
            kind = kinds[(turn + first + 1) % 2]
            current = self.take(kind, current, words[kind])
            self.assert_same_tree(left, picture(current.root, userxattr),
                                  "seed %d, turn %d: what %s finds" % (seed, turn, current.name))
        current.unmount()

    def plain_picture(self, spec, seed):
        plain = engines.Plain(os.path.join(Environment.folder, "p%d" % seed), spec[1:], spec[0])
        return without_numbers(picture(plain.store))

    @limit(240)
    def test_blendfs_first(self):
        for seed in seeds(5301, 5306):
            with self.subTest(seed):
                self.turns(seed, 0, OVERLAY + ["index=on"])

    @limit(240)
    def test_overlayfs_first(self):
        for seed in seeds(5401, 5406):
            with self.subTest(seed):
                self.turns(seed, 1, OVERLAY + ["index=on"])

    @limit(240)
    def test_userxattr(self):
        """overlayfs follows no redirect with userxattr, so directories stay where they are; and it keeps no index."""
        def renames_a_directory(root, operation):
            return operation[0] in ("rename", "at_rename") and (operation[0] == "at_rename" or any(
                os.path.isdir(os.path.join(root, path)) for path in operation[1:3]))
        nested = [key.replace("trusted.", "user.") for key in NESTED]
        for seed in seeds(5501, 5504):
            with self.subTest(seed):
                self.turns(seed, seed % 2, ["userxattr", "xino=on"], ["userxattr"], nested=nested, with_hard=False,
                           skip=renames_a_directory)


def without_numbers(shown):
    return {path: {key: value for key, value in item.items() if key not in ("ino", "mtime")} for path, item in shown.items()}
