# SPDX-License-Identifier: MIT
"""Extended attributes and access control lists."""
import os

from lab import sysops
from lab.case import Case, only_for
from lab.layers import directory, fifo, file, symlink

FULL = sysops.acl(("user_obj", 6), ("user", 7, 1000), ("group_obj", 4), ("mask", 7), ("other", 0))


class Xattrs(Case):
    def build(self):
        return self.union({"low": file("x", xattrs={"user.a": b"1", "trusted.b": b"2"}),
                           "d": directory(xattrs={"user.d": b"dir"}), "s": symlink("low"), "p": fifo()},
                          upper={"up": file("y", xattrs={"user.u": b"3"})})

    def test_set_get_list_remove(self):
        self.build()
        for name in ("low", "up", "d"):
            path = self.p(name)
            start = sorted(os.listxattr(path))
            os.setxattr(path, "user.new", b"value\0with zero")
            os.setxattr(path, "trusted.new", b"")
            self.assertEqual(os.getxattr(path, "user.new"), b"value\0with zero")
            self.assertEqual(os.getxattr(path, "trusted.new"), b"")
            self.assertEqual(sorted(os.listxattr(path)), sorted(start + ["user.new", "trusted.new"]))
            os.setxattr(path, "user.new", b"2")
            self.assertEqual(os.getxattr(path, "user.new"), b"2")
            os.removexattr(path, "trusted.new")
            self.assertEqual(sorted(os.listxattr(path)), sorted(start + ["user.new"]))
        self.assert_same_after_remount()

    def test_flags_and_errors(self):
        self.build()
        for name in ("low", "up", "d"):
            path = self.p(name)
            with self.fails("ENODATA"):
                os.getxattr(path, "user.none")
            with self.fails("ENODATA"):
                os.removexattr(path, "user.none")
            with self.fails("ENODATA"):
                os.setxattr(path, "user.none", b"", os.XATTR_REPLACE)
            os.setxattr(path, "user.made", b"1", os.XATTR_CREATE)
            with self.fails("EEXIST"):
                os.setxattr(path, "user.made", b"2", os.XATTR_CREATE)
            with self.fails("EOPNOTSUPP"):
                os.setxattr(path, "nonsense.k", b"")
            with self.fails("ERANGE"):
                os.setxattr(path, "user." + "n" * 251, b"")

    def test_user_attributes_only_on_files_and_directories(self):
        self.build()
        for name in ("s", "p"):
            with self.fails("EPERM"):
                os.setxattr(self.p(name), "user.k", b"v", follow_symlinks=False)
            os.setxattr(self.p(name), "trusted.k", b"v", follow_symlinks=False)
            self.assertEqual(os.getxattr(self.p(name), "trusted.k", follow_symlinks=False), b"v")
        self.assert_same_after_remount()

    def test_removal_on_a_lower_file_lasts(self):
        self.build()
        os.removexattr(self.p("low"), "user.a")
        self.assertEqual(os.listxattr(self.p("low")), ["trusted.b"])
        self.assert_same_after_remount()

    def test_trusted_is_hidden_from_users(self):
        self.build()

        def look():
            self.assertEqual(os.listxattr(self.p("low")), ["user.a"])
            with self.fails("ENODATA", "EPERM"):
                os.getxattr(self.p("low"), "trusted.b")
            with self.fails("EPERM"):
                os.setxattr(self.p("low"), "trusted.c", b"")
            with self.fails("EACCES"):
                os.setxattr(self.p("low"), "user.c", b"")
        self.as_user(1000, look)

    def test_big_value(self):
        self.build()
        os.setxattr(self.p("low"), "user.big", b"v" * 3000)
        self.assertEqual(os.getxattr(self.p("low"), "user.big"), b"v" * 3000)
        with self.fails("ENOSPC", "E2BIG"):
            os.setxattr(self.p("low"), "user.huge", b"v" * 65536)

    @only_for("blendfs", "overlayfs")
    def test_nested_overlay_attributes_are_escaped(self):
        """An overlay inside the union may use a directory of it as its upper."""
        self.union({"d/x": file()})
        for name in ("d", "d/x"):
            path = self.p(name)
            os.setxattr(path, "trusted.overlay.opaque", b"y")
            self.assertEqual(os.getxattr(path, "trusted.overlay.opaque"), b"y")
            self.assertIn("trusted.overlay.opaque", os.listxattr(path))
        self.assertEqual(self.names("d"), ["x"])
        self.m.remount()
        self.assertEqual(os.getxattr(self.p("d"), "trusted.overlay.opaque"), b"y")
        self.assertEqual(os.getxattr(os.path.join(self.m.upper, "d"), "trusted.overlay.overlay.opaque"), b"y")
        os.removexattr(self.p("d"), "trusted.overlay.opaque")
        self.assertNotIn("trusted.overlay.opaque", os.listxattr(self.p("d")))

    def test_security_capability_is_kept_and_cleared_by_a_write(self):
        capability = bytes.fromhex("0100000200200000000000000000000000000000")
        self.union({"low": file("x", 0o755)}, upper={"up": file("y", 0o755)})
        for name in ("low", "up"):
            os.setxattr(self.p(name), "security.capability", capability)
            self.assertEqual(os.getxattr(self.p(name), "security.capability"), capability)
            os.chmod(self.p(name), 0o750)
            self.assertEqual(os.getxattr(self.p(name), "security.capability"), capability)
        self.m.remount()
        for name in ("low", "up"):
            self.assertEqual(os.getxattr(self.p(name), "security.capability"), capability)
            self.write(name, "more", "ab")
            with self.fails("ENODATA"):
                os.getxattr(self.p(name), "security.capability")


class Acls(Case):
    def build(self):
        return self.union({"low": file("x", 0o640), "d": directory(), "d/f": file("f", 0o600)},
                          upper={"up": file("y", 0o640), "ud": directory()})

    def test_access_list_grants_and_shows_in_the_mode(self):
        self.build()
        for name in ("low", "up"):
            path = self.p(name)
            with self.fails("EACCES"):
                self.as_user(1000, lambda: self.read(name))
            os.setxattr(path, sysops.ACL_ACCESS, FULL)
            self.assertEqual(os.getxattr(path, sysops.ACL_ACCESS), FULL)
            self.assertEqual(self.mode(name), 0o670)
            self.as_user(1000, lambda: self.write(name, "w", "ab"))
            with self.fails("EACCES"):
                self.as_user(1001, lambda: self.read(name))
        self.assert_same_after_remount()

    def test_chmod_changes_the_mask(self):
        self.build()
        for name in ("low", "up"):
            path = self.p(name)
            os.setxattr(path, sysops.ACL_ACCESS, FULL)
            os.chmod(path, 0o600)
            self.assertEqual(self.mode(name), 0o600)
            with self.fails("EACCES"):
                self.as_user(1000, lambda: self.read(name))
            expected = sysops.acl(("user_obj", 6), ("user", 7, 1000), ("group_obj", 4), ("mask", 0), ("other", 0))
            self.assertEqual(os.getxattr(path, sysops.ACL_ACCESS), expected)

    def test_minimal_list_is_only_a_mode(self):
        self.build()
        for name in ("low", "up"):
            os.setxattr(self.p(name), sysops.ACL_ACCESS, sysops.acl(("user_obj", 7), ("group_obj", 5), ("other", 1)))
            self.assertEqual(self.mode(name), 0o751)
            self.assertNotIn(sysops.ACL_ACCESS, os.listxattr(self.p(name)))

    def test_default_list_is_inherited_and_replaces_the_umask(self):
        self.build()
        default = sysops.acl(("user_obj", 7), ("user", 7, 1000), ("group_obj", 5), ("mask", 7), ("other", 5))
        os.umask(0o077)
        for folder in ("d", "ud"):
            os.setxattr(self.p(folder), sysops.ACL_DEFAULT, default)
            os.mkdir(self.p(folder + "/sub"))
            fd = os.open(self.p(folder + "/file"), os.O_CREAT | os.O_WRONLY, 0o664)
            os.close(fd)
            os.mkfifo(self.p(folder + "/fifo"), 0o640)
            os.symlink("x", self.p(folder + "/link"))
            self.assertEqual(os.getxattr(self.p(folder + "/sub"), sysops.ACL_DEFAULT), default)
            self.assertEqual([self.mode(folder + "/" + name) for name in ("sub", "file", "fifo")],
                             [0o775, 0o664, 0o640])
            self.assertTrue(os.getxattr(self.p(folder + "/file"), sysops.ACL_ACCESS))
            os.mkdir(self.p(folder + "/sub/deeper"))
            self.assertEqual(os.getxattr(self.p(folder + "/sub/deeper"), sysops.ACL_DEFAULT), default)
        self.assert_same_after_remount()

    def test_umask_applies_without_a_default_list(self):
        self.build()
        for umask in (0, 0o022, 0o077, 0o027):
            os.umask(umask)
            for folder in ("d", "ud", ""):
                base = os.path.join(folder, "n%o" % umask)
                os.mkdir(self.p(base))
                os.close(os.open(self.p(base + ".f"), os.O_CREAT | os.O_WRONLY, 0o666))
                os.mknod(self.p(base + ".p"), 0o010777)
                self.assertEqual([self.mode(base + end) for end in ("", ".f", ".p")],
                                 [0o777 & ~umask, 0o666 & ~umask, 0o777 & ~umask])

    def test_default_list_of_a_lower_directory_counts(self):
        default = sysops.acl(("user_obj", 7), ("group_obj", 7), ("other", 0))
        self.union({"d": directory(xattrs={sysops.ACL_DEFAULT: default})})
        os.umask(0)
        self.write("d/f")
        os.mkdir(self.p("d/sub"))
        self.assertEqual([self.mode("d/f"), self.mode("d/sub")], [0o660, 0o770])
        self.assertEqual(os.getxattr(self.p("d/sub"), sysops.ACL_DEFAULT), default)
        self.assert_same_after_remount()

    def test_lists_survive_copy_up_and_rename(self):
        self.build()
        self.m.unmount()
        if self.m.upper:
            os.setxattr(os.path.join(self.m.lowers[0], "d/f"), sysops.ACL_ACCESS, FULL)
        self.m.mount()
        os.setxattr(self.p("d/f"), sysops.ACL_ACCESS, FULL)
        self.write("d/f", "new")
        os.rename(self.p("d"), self.p("e"))
        self.assertEqual(os.getxattr(self.p("e/f"), sysops.ACL_ACCESS), FULL)
        self.assert_same_after_remount()

    def test_removal_and_errors(self):
        self.build()
        for name in ("low", "up"):
            os.setxattr(self.p(name), sysops.ACL_ACCESS, FULL)
            os.removexattr(self.p(name), sysops.ACL_ACCESS)
            self.assertNotIn(sysops.ACL_ACCESS, os.listxattr(self.p(name)))
            with self.fails("EINVAL", "EOPNOTSUPP"):
                os.setxattr(self.p(name), sysops.ACL_ACCESS, b"garbage")
            with self.fails("EACCES"):
                os.setxattr(self.p(name), sysops.ACL_DEFAULT, FULL)
            with self.fails("EPERM"):
                self.as_user(1000, lambda: os.setxattr(self.p(name), sysops.ACL_ACCESS, FULL))
