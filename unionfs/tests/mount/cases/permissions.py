# SPDX-License-Identifier: MIT
"""Ownership and permission checks as another user: the kernel's own, over every kind of layer."""
import os

from lab.case import Case
from lab.layers import directory, file, symlink

USER, OTHER, GROUP = 1000, 1001, 2000


class Permissions(Case):
    def build(self):
        low = {"mine": file("x", 0o644, uid=USER, gid=USER), "theirs": file("x", 0o644, uid=OTHER, gid=OTHER),
               "secret": file("x", 0o600), "shut": directory(0o700), "shut/f": file("x", 0o666),
               "home": directory(0o755, uid=USER, gid=USER), "home/f": file("h", uid=USER, gid=USER),
               "tmp": directory(0o1777), "tmp/mine": file("m", 0o666, uid=USER), "tmp/theirs": file("t", 0o666, uid=OTHER),
               "grp": directory(0o2775, gid=GROUP), "suid": file("s", 0o6777, uid=OTHER, gid=GROUP),
               "noexec": directory(0o644, uid=USER), "noexec/f": file("n", 0o666), "link": symlink("secret")}
        return self.union(low, upper={"up": directory(0o755, uid=USER), "up/f": file("u", uid=USER)})

    def test_reading_and_writing(self):
        self.build()

        def user():
            self.read("mine")
            self.write("mine", "new")
            self.read("theirs")
            for action, name in ((lambda: self.write("theirs", "x"), "EACCES"), (lambda: self.read("secret"), "EACCES"),
                                 (lambda: self.read("link"), "EACCES"), (lambda: self.read("shut/f"), "EACCES"),
                                 (lambda: os.listdir(self.p("shut")), "EACCES"), (lambda: os.stat(self.p("noexec/f")), "EACCES"),
                                 (lambda: self.write("new"), "EACCES"), (lambda: os.mkdir(self.p("nd")), "EACCES"),
                                 (lambda: os.unlink(self.p("mine")), "EACCES"), (lambda: os.rename(self.p("mine"), self.p("m2")), "EACCES"),
                                 (lambda: os.chmod(self.p("theirs"), 0o777), "EPERM"), (lambda: os.chown(self.p("mine"), OTHER, -1), "EPERM"),
                                 (lambda: os.utime(self.p("theirs"), (1, 1)), "EPERM"), (lambda: os.truncate(self.p("theirs"), 0), "EACCES"),
                                 (lambda: os.symlink("x", self.p("l")), "EACCES"), (lambda: os.link(self.p("mine"), self.p("l")), "EACCES")):
                with self.fails(name):
                    action()
            self.assertEqual(os.listdir(self.p("noexec")), ["f"])
            self.assertTrue(os.access(self.p("mine"), os.W_OK))
            self.assertFalse(os.access(self.p("theirs"), os.W_OK))
        self.as_user(USER, user)
        self.assertEqual(self.read("mine"), b"new")

    def test_new_objects_belong_to_their_maker(self):
        self.build()

        def user():
            for folder in ("home", "up"):
                self.write(folder + "/new")
                os.mkdir(self.p(folder + "/dir"))
                os.symlink("x", self.p(folder + "/sym"))
                os.mkfifo(self.p(folder + "/fifo"))
        self.as_user(USER, user, gid=GROUP)
        for folder in ("home", "up"):
            for name in ("new", "dir", "sym", "fifo"):
                info = self.stat(folder + "/" + name)
                self.assertEqual((info.st_uid, info.st_gid), (USER, GROUP))
        self.assert_same_after_remount()

    def test_sticky_directory(self):
        self.build()

        def user():
            for action in (lambda: os.unlink(self.p("tmp/theirs")),
                           lambda: os.rename(self.p("tmp/theirs"), self.p("tmp/x")),
                           lambda: os.rename(self.p("tmp/mine"), self.p("tmp/theirs"))):
                with self.fails("EPERM"):
                    action()
            self.write("tmp/new")
            os.rename(self.p("tmp/new"), self.p("tmp/newer"))
            os.unlink(self.p("tmp/mine"))
            os.unlink(self.p("tmp/newer"))
        self.as_user(USER, user)
        self.assertEqual(self.names("tmp"), ["theirs"])

    def test_setgid_directory_is_inherited(self):
        self.build()

        def member():
            self.write("grp/f")
            os.mkdir(self.p("grp/d"))
            os.mkdir(self.p("grp/d/e"))
            os.symlink("x", self.p("grp/s"))
            os.close(os.open(self.p("grp/x"), os.O_CREAT | os.O_WRONLY, 0o2775))
        self.as_user(USER, member, groups=[GROUP])
        for name in ("f", "d", "d/e", "s", "x"):
            self.assertEqual(self.stat("grp/" + name).st_gid, GROUP, name)
        self.assertEqual((self.mode("grp/d"), self.mode("grp/d/e")), (0o2755, 0o2755))
        self.assertEqual(self.mode("grp/x"), 0o2755)

    def test_setgid_bit_is_dropped_for_a_stranger_to_the_group(self):
        self.build()
        os.chmod(self.p("grp"), 0o2777)
        self.as_user(USER, lambda: os.close(os.open(self.p("grp/x"), os.O_CREAT | os.O_WRONLY, 0o2775)))
        self.assertEqual((self.stat("grp/x").st_gid, self.mode("grp/x")), (GROUP, 0o755))

    def test_setgid_bit_is_dropped_by_chmod_of_a_stranger_to_the_group(self):
        self.build()
        os.chown(self.p("home/f"), USER, GROUP)
        self.as_user(USER, lambda: os.chmod(self.p("home/f"), 0o2755))
        self.assertEqual(self.mode("home/f"), 0o755)
        self.as_user(USER, lambda: os.chmod(self.p("home/f"), 0o2755), groups=[GROUP])
        self.assertEqual(self.mode("home/f"), 0o2755)

    def clears(self, action, after=0o777):
        for name in ("suid", "suid_up"):
            with self.subTest(name):
                self.as_user(USER, lambda name=name: action(self.p(name)))
                self.assertEqual(self.mode(name), after)

    def with_suid_in_both_layers(self):
        more = {"suid_up": file("s", 0o6777, uid=OTHER, gid=GROUP)}
        self.union({"suid": file("s", 0o6777, uid=OTHER, gid=GROUP)}, upper=more)

    def test_write_clears_suid(self):
        self.with_suid_in_both_layers()

        def action(path):
            fd = os.open(path, os.O_WRONLY)
            os.write(fd, b"x")
            os.close(fd)
        self.clears(action)
        self.assert_same_after_remount()

    def test_sgid_without_group_execute_is_only_kept_by_the_group(self):
        def write(path):
            with open(path, "ab") as stream:
                stream.write(b"x")

        def allocate(path):
            fd = os.open(path, os.O_WRONLY)
            os.posix_fallocate(fd, 0, 100)
            os.close(fd)

        def chown(path):
            os.chown(path, -1, OTHER)
        self.union({})
        os.chmod(self.p(), 0o777)
        for action in (write, allocate, lambda path: os.truncate(path, 0), lambda path: open(path, "wb").close(), chown):
            for groups, mode in (((), 0o766), ((GROUP,), 0o2766)):
                self.write("f", "data")
                os.chown(self.p("f"), OTHER, GROUP)
                os.chmod(self.p("f"), 0o2766)
                self.as_user(OTHER, lambda action=action: action(self.p("f")), groups=groups)
                self.assertEqual(oct(self.mode("f")), oct(mode), (action, groups))
                os.unlink(self.p("f"))

    def test_truncate_clears_suid(self):
        self.with_suid_in_both_layers()
        self.clears(lambda path: os.truncate(path, 0))

    def test_chown_clears_suid_of_a_file_without_a_name(self):
        self.union({})
        fd = os.open(self.p("gone"), os.O_CREAT | os.O_RDWR, 0o755)
        try:
            os.fchmod(fd, 0o4755)
            os.unlink(self.p("gone"))
            os.fchown(fd, 0, GROUP)
            self.assertEqual(os.fstat(fd).st_mode & 0o7777, 0o755)
        finally:
            os.close(fd)

    def test_truncating_open_clears_suid(self):
        self.with_suid_in_both_layers()
        self.clears(lambda path: os.close(os.open(path, os.O_WRONLY | os.O_TRUNC)))

    def test_fallocate_clears_suid(self):
        self.with_suid_in_both_layers()

        def action(path):
            fd = os.open(path, os.O_WRONLY)
            os.posix_fallocate(fd, 0, 10000)
            os.close(fd)
        self.clears(action)

    def test_opening_alone_keeps_suid(self):
        self.with_suid_in_both_layers()
        self.clears(lambda path: os.close(os.open(path, os.O_WRONLY)), after=0o6777)

    def test_root_write_keeps_suid(self):
        self.with_suid_in_both_layers()
        for name in ("suid", "suid_up"):
            self.write(name, "x", "ab")
            self.assertEqual(self.mode(name), 0o6777)

    def test_chown_clears_suid(self):
        self.with_suid_in_both_layers()
        for name in ("suid", "suid_up"):
            os.chown(self.p(name), USER, USER)
            self.assertEqual(self.mode(name), 0o777)
            os.chmod(self.p(name), 0o6765)
            os.chown(self.p(name), USER, GROUP)
            # Without group execution setgid once meant mandatory locking: it stays.
            self.assertEqual(self.mode(name), 0o2765)

    def test_stranger_cannot_take_suid(self):
        """A chown to nobody is an implied chmod, where it has a bit to take."""
        self.with_suid_in_both_layers()
        for name in ("suid", "suid_up"):
            with self.fails("EPERM"):
                self.as_user(USER, lambda name=name: os.chown(self.p(name), -1, -1))
            self.assertEqual(self.mode(name), 0o6777)
            os.chmod(self.p(name), 0o777)
            self.as_user(USER, lambda name=name: os.chown(self.p(name), -1, -1))
            os.chmod(self.p(name), 0o6777)
            self.as_user(OTHER, lambda name=name: os.chown(self.p(name), -1, -1))
            self.assertEqual(self.mode(name), 0o777)

    def test_write_clears_suid_set_while_open(self):
        self.build()

        def user():
            for folder in ("home", "up"):
                fd = os.open(self.p(folder + "/new"), os.O_CREAT | os.O_RDWR, 0o755)
                os.fchmod(fd, 0o4755)
                os.write(fd, b"x")
                self.assertEqual(os.fstat(fd).st_mode & 0o7777, 0o755)
                os.close(fd)
        self.as_user(USER, user)
        for folder in ("home", "up"):
            self.assertEqual(self.mode(folder + "/new"), 0o755)

    def test_chown_by_the_owner_to_a_group_of_his(self):
        self.build()
        self.as_user(USER, lambda: os.chown(self.p("mine"), -1, GROUP), groups=[GROUP])
        self.assertEqual(self.stat("mine").st_gid, GROUP)
        with self.fails("EPERM"):
            self.as_user(USER, lambda: os.chown(self.p("mine"), -1, OTHER))

    def test_group_permission(self):
        self.build()
        os.chmod(self.p("secret"), 0o660)
        os.chown(self.p("secret"), 0, GROUP)
        with self.fails("EACCES"):
            self.as_user(USER, lambda: self.read("secret"))
        self.as_user(USER, lambda: self.write("secret", "member"), groups=[GROUP])
        self.assertEqual(self.read("secret"), b"member")

    def test_change_of_mode_counts_at_once(self):
        self.build()
        for _ in range(3):
            os.chmod(self.p("secret"), 0o644)
            self.as_user(USER, lambda: self.read("secret"))
            os.chmod(self.p("secret"), 0o600)
            with self.fails("EACCES"):
                self.as_user(USER, lambda: self.read("secret"))

    def test_mode_zero_creation_still_writes(self):
        self.build()

        def user():
            fd = os.open(self.p("home/zero"), os.O_CREAT | os.O_RDWR, 0)
            os.write(fd, b"data")
            os.close(fd)
            with self.fails("EACCES"):
                os.open(self.p("home/zero"), os.O_RDONLY)
        self.as_user(USER, user)
        self.assertEqual(self.read("home/zero"), b"data")
