# SPDX-License-Identifier: MIT
"""The on-disk format is overlayfs's: what blendfs wrote shows the same under the kernel's overlayfs, and the
reverse, after random histories, and when both take turns.
"""
import os

from lab import engines, layers, tree
from lab.case import Case, Environment, only_for
from lab.layers import directory, file, hard, sparse, symlink
from lab.runner import limit
from model import generate, history
from model.actor import Actions, perform
from model.lockstep import Pair, picture

OVERLAY = ["redirect_dir=on", "metacopy=on", "xino=on"]


def with_useful_whiteouts_only(spec):
    """overlayfs lists a whiteout as a name that cannot be looked up where the directory has nothing below it."""
    clean = []
    for index, layer in enumerate(spec):
        below = layers.flatten(spec[index + 1:]) if index + 1 < len(spec) else {}
        opaque = [path + "/" for path, node in layer.items() if node.opaque]
        clean.append({path: node for path, node in layer.items() if node.kind != "whiteout" or
                      (path in below and not path.startswith(tuple(opaque)))})
    return clean


@only_for("blendfs", why="compares the two engines")
class CrossMount(Case):
    def other(self, kind, mounted, options):
        new = kind.over(mounted, options)
        self.mounts.append(new)
        new.mount()
        return new

    def assert_same_under(self, options, expected):
        """Unmounts the union, mounts its layers with overlayfs, compares, and goes back to blendfs."""
        self.m.unmount()
        overlay = self.other(engines.Overlayfs, self.m, options)
        self.assert_same_tree(expected, picture(overlay.root), "the tree under overlayfs (%s)" % ",".join(options))
        overlay.unmount()
        self.m.mount()
        self.assert_same_tree(expected, picture(self.m.root), "the tree back under blendfs")

    def test_each_kind_of_change(self):
        self.union({"f": file("f" * 9000), "g": hard("f"), "d/x": file("x"), "d/sub/y": file("y"), "gone": file(),
                    "meta": file(b"m" * 100000, 0o644), "s": symlink("f"), "sp": sparse(1 << 20, {4096: b"x" * 5000}),
                    "opaque/old": file(), "swap1/a": file("a"), "swap2/b": file("b")},
                   {"d/deep": file("deep"), "swap1/c": file("c"), "bottom": directory(0o700)})
        self.write("g", "changed", "ab")
        os.rename(self.p("d"), self.p("moved"))
        os.rename(self.p("moved/sub"), self.p("sub"))
        os.unlink(self.p("gone"))
        os.chmod(self.p("meta"), 0o600)
        os.lchown(self.p("s"), 5, 6)
        os.truncate(self.p("sp"), 2 << 20)
        os.unlink(self.p("opaque/old"))
        os.rmdir(self.p("opaque"))
        os.mkdir(self.p("opaque"))
        os.rename(self.p("swap1"), self.p("tmp"))
        os.rename(self.p("swap2"), self.p("swap1"))
        os.rename(self.p("tmp"), self.p("swap2"))
        os.setxattr(self.p("bottom"), "user.k", b"v")
        os.setxattr(self.p("sub"), "trusted.overlay.opaque", b"y")
        os.rename(self.p("meta"), self.p("sub/meta"))
        self.assert_same_under(OVERLAY + ["index=on"], picture(self.m.root))

    def by_blendfs(self, seed, index):
        """A random history on blendfs, compared with the plain tree, then seen by overlayfs."""
        plan = history.Plan(seed, 200)
        spec = with_useful_whiteouts_only(plan.spec)
        if not index:
            # Without its index overlayfs splits hard links of lower layers.
            spec = [{path: node for path, node in layer.items() if node.kind != "hard"} for layer in spec]
        folder = os.path.join(Environment.folder, "u%d" % seed)
        engines.Blendfs.binary = Environment.blendfs
        pair = Pair(folder, spec, "blendfs")
        self.mounts += [pair.plain, pair.union]
        self.m = pair.union
        generator = generate.Generator(plan.chance, pair.plain.root)
        try:
            for _ in range(plan.steps):
                actor, operation = generator.next()
                pair.run([(actor, [operation])])
            pair.compare_trees()
        finally:
            pair.stop()
        self.assert_same_under(OVERLAY + ["index=%s" % ("on" if index else "off")], picture(pair.plain.root))

    @limit(120)
    def test_histories_of_blendfs_under_overlayfs(self):
        for seed in range(5001, 5009):
            with self.subTest(seed):
                self.by_blendfs(seed, index=True)

    @limit(120)
    def test_histories_of_blendfs_under_overlayfs_without_index(self):
        for seed in range(5101, 5107):
            with self.subTest(seed):
                self.by_blendfs(seed, index=False)

    def take_turns(self, seed, options):
        """overlayfs and blendfs in turn; each finds what the other left."""
        plan = history.Plan(seed, 60)
        folder = os.path.join(Environment.folder, "u%d" % seed)
        engines.Blendfs.binary = Environment.blendfs
        spec = with_useful_whiteouts_only(plan.spec)
        current = engines.Overlayfs(folder, spec[1:], spec[0], options)
        self.mounts.append(current)
        current.mount()
        for turn in range(4):
            actions = Actions(current.root)
            generator = generate.Generator(plan.chance, current.root)
            for _ in range(plan.steps):
                perform(actions, generator.next()[1])
            actions.close_all()
            left = picture(current.root)
            current.unmount()
            kind, words = (engines.Blendfs, []) if turn % 2 == 0 else (engines.Overlayfs, options)
            current = self.other(kind, current, words)
            found = picture(current.root)
            self.assert_same_tree(left, found, "seed %d: what %s finds in turn %d" % (seed, current.name, turn))
        current.unmount()

    @limit(120)
    def test_both_in_turn(self):
        for seed in range(5201, 5207):
            with self.subTest(seed):
                self.take_turns(seed, OVERLAY + ["index=on"])

    def test_overlayfs_whiteouts_opaques_and_redirects_are_understood(self):
        folder = os.path.join(Environment.folder, "u900")
        engines.Blendfs.binary = Environment.blendfs
        overlay = engines.Overlayfs(folder, [{"d/x": file("x"), "d/e/y": file("y"), "f": file("f" * 5000), "g": hard("f"),
                                             "w/a": file()}], {}, OVERLAY + ["index=on"])
        self.mounts.append(overlay)
        overlay.mount()
        base = overlay.root
        os.rename(os.path.join(base, "d"), os.path.join(base, "r"))
        os.rename(os.path.join(base, "r/e"), os.path.join(base, "e"))
        os.chmod(os.path.join(base, "f"), 0o600)
        os.link(os.path.join(base, "g"), os.path.join(base, "h"))
        os.unlink(os.path.join(base, "w/a"))
        os.rmdir(os.path.join(base, "w"))
        os.mkdir(os.path.join(base, "w"))
        expected = tree.snapshot(base)
        overlay.unmount()
        blend = self.other(engines.Blendfs, overlay, [])
        self.assert_same_tree(expected, tree.snapshot(blend.root), "what blendfs finds")
        with open(os.path.join(blend.root, "h"), "ab") as stream:
            stream.write(b"+")
        for name in "fgh":
            self.assertEqual(os.path.getsize(os.path.join(blend.root, name)), 5001)
        blend.unmount()
