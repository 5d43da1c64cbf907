# SPDX-License-Identifier: MIT
"""What a descriptor or mapping opened before a copy-up sees of what is written after it."""
import mmap
import os
import shutil
import subprocess

from lab.case import Case, in_process, not_for
from lab.layers import file, hard

LOW = bytes(range(256)) * 64  # 16 KiB


@not_for("overlayfs", why="a descriptor opened read-only before a copy-up keeps the lower file")
class OpenBeforeCopyUp(Case):
    def build(self):
        return self.union({"f": file(LOW), "g": hard("f"), "e": file()})

    def test_descriptor_sees_a_later_write(self):
        self.build()
        reader = os.open(self.p("f"), os.O_RDONLY)
        self.assertEqual(os.pread(reader, 4, 0), LOW[:4])
        writer = os.open(self.p("f"), os.O_WRONLY)
        os.pwrite(writer, b"NEW!", 0)
        self.assertEqual(os.pread(reader, 4, 0), b"NEW!")
        os.pwrite(writer, b"tail", len(LOW))
        self.assertEqual(os.pread(reader, 10, len(LOW)), b"tail")
        self.assertEqual(os.fstat(reader).st_size, len(LOW) + 4)
        os.close(writer)
        self.assertEqual(os.pread(reader, 4, 0), b"NEW!")
        os.close(reader)

    def test_descriptor_sees_metadata_changes(self):
        self.build()
        reader = os.open(self.p("f"), os.O_RDONLY)
        os.chmod(self.p("f"), 0o601)
        os.chown(self.p("f"), 3, 4)
        os.setxattr(self.p("f"), "user.k", b"v")
        info = os.fstat(reader)
        self.assertEqual((info.st_mode & 0o777, info.st_uid, info.st_gid), (0o601, 3, 4))
        self.assertEqual(os.getxattr(reader, "user.k"), b"v")
        self.assertEqual(info.st_ino, self.ino("f"))
        os.close(reader)

    def test_metadata_changes_through_the_old_descriptor(self):
        self.build()
        reader = os.open(self.p("f"), os.O_RDONLY)
        os.fchmod(reader, 0o640)
        os.fchown(reader, 8, 9)
        os.utime(reader, ns=(5, 6))
        os.setxattr(reader, "user.k", b"v")
        info = self.stat("f")
        self.assertEqual((info.st_mode & 0o777, info.st_uid, info.st_gid, info.st_mtime_ns), (0o640, 8, 9, 6))
        self.assertEqual(os.getxattr(self.p("f"), "user.k"), b"v")
        self.assertEqual(os.pread(reader, 4, 0), LOW[:4])
        os.close(reader)

    def test_truncation_is_seen(self):
        self.build()
        reader = os.open(self.p("f"), os.O_RDONLY)
        os.pread(reader, 100, 8000)
        os.truncate(self.p("f"), 10)
        self.assertEqual(os.pread(reader, 100, 0), LOW[:10])
        os.truncate(self.p("f"), 20)
        self.assertEqual(os.pread(reader, 100, 0), LOW[:10] + bytes(10))
        os.close(os.open(self.p("f"), os.O_WRONLY | os.O_TRUNC))
        self.assertEqual(os.pread(reader, 100, 0), b"")
        os.close(reader)

    def test_mapping_sees_a_later_write(self):
        self.build()
        fd = os.open(self.p("f"), os.O_RDONLY)
        view = mmap.mmap(fd, len(LOW), prot=mmap.PROT_READ)
        self.assertEqual(view[:4], LOW[:4])
        with open(self.p("f"), "r+b", buffering=0) as stream:
            stream.write(b"NEW!")
            self.assertEqual(view[:4], b"NEW!")
            self.assertEqual(view[4:8], LOW[4:8])
            stream.seek(8192)
            stream.write(b"page")
        self.assertEqual(view[8192:8196], b"page")
        view.close()
        os.close(fd)

    def test_two_mappings_agree(self):
        self.build()
        reader = os.open(self.p("f"), os.O_RDONLY)
        old = mmap.mmap(reader, len(LOW), prot=mmap.PROT_READ)
        self.assertEqual(old[100:104], LOW[100:104])
        writer = os.open(self.p("f"), os.O_RDWR)
        new = mmap.mmap(writer, len(LOW))
        new[100:104] = b"WXYZ"
        self.assertEqual(old[100:104], b"WXYZ")
        self.assertEqual(os.pread(reader, 4, 100), b"WXYZ")
        self.assertEqual(self.read("f")[100:104], b"WXYZ")
        for item in (old, new):
            item.close()
        os.close(reader)
        os.close(writer)

    def test_change_through_another_hard_link(self):
        self.build()
        reader = os.open(self.p("f"), os.O_RDONLY)
        with open(self.p("g"), "r+b") as stream:
            stream.write(b"LINK")
        self.assertEqual(os.pread(reader, 4, 0), b"LINK")
        os.close(reader)

    def test_writing_through_other_processes(self):
        self.build()
        reader = os.open(self.p("f"), os.O_RDONLY)
        for turn in range(20):
            text = b"turn%02d" % turn
            in_process(lambda text=text: self.write("f", text, "r+b"))
            self.assertEqual(os.pread(reader, 6, 0), text)
        os.close(reader)

    def test_unlinked_lower_file_can_still_be_read_and_changed(self):
        self.build()
        reader = os.open(self.p("e"), os.O_RDONLY)
        writer = os.open(self.p("e"), os.O_RDWR)
        os.unlink(self.p("e"))
        os.write(writer, b"after")
        self.assertEqual(os.pread(reader, 5, 0), b"after")
        self.assertEqual(os.fstat(reader).st_size, 5)
        os.close(reader)
        os.close(writer)

    def test_seek_in_old_descriptor_after_growth(self):
        self.build()
        reader = os.open(self.p("e"), os.O_RDONLY)
        self.write("e", "0123456789")
        self.assertEqual(os.lseek(reader, 0, os.SEEK_END), 10)
        self.assertEqual(os.lseek(reader, 0, os.SEEK_DATA), 0)
        os.close(reader)


class Execution(Case):
    def programs(self):
        with open(shutil.which("true"), "rb") as stream:
            image = stream.read()
        return image

    def test_running_from_each_layer(self):
        image = self.programs()
        self.union({"low": file(image, 0o755), "script": file("#!/bin/sh\nexit 3\n", 0o755)}, upper={"up": file(image, 0o755)})
        for name in ("low", "up"):
            subprocess.run([self.p(name)], check=True)
        self.assertEqual(subprocess.run([self.p("script")]).returncode, 3)
        os.chmod(self.p("low"), 0o700)
        subprocess.run([self.p("low")], check=True)
        self.write("script", "#!/bin/sh\nexit 4\n")
        self.assertEqual(subprocess.run([self.p("script")]).returncode, 4)

    def test_running_program_may_be_copied_up_by_metadata(self):
        with open(shutil.which("sleep"), "rb") as stream:
            image = stream.read()
        self.union({"sleep": file(image, 0o755)})
        child = subprocess.Popen([self.p("sleep"), "0.4"])
        os.chmod(self.p("sleep"), 0o555)
        os.utime(self.p("sleep"), (1, 1))
        second = subprocess.Popen([self.p("sleep"), "0.2"])
        os.rename(self.p("sleep"), self.p("moved"))
        self.assertEqual((child.wait(), second.wait()), (0, 0))
        self.assertEqual(self.read("moved"), image)

    def test_running_program_is_not_writable(self):
        with open(shutil.which("sleep"), "rb") as stream:
            image = stream.read()
        self.union({"sleep": file(image, 0o755)}, upper={"up": file(image, 0o755)})
        for name in ("sleep", "up"):
            child = subprocess.Popen([self.p(name), "5"])
            try:
                with self.fails("ETXTBSY"):
                    os.open(self.p(name), os.O_WRONLY)
            finally:
                child.kill()
                child.wait()

    def test_file_open_for_writing_is_not_run(self):
        self.union({"low": file(self.programs(), 0o755)})
        fd = os.open(self.p("low"), os.O_WRONLY)
        with self.fails("ETXTBSY"):
            subprocess.run([self.p("low")])
        os.close(fd)
        subprocess.run([self.p("low")], check=True)

    def test_replacing_a_running_program(self):
        with open(shutil.which("sleep"), "rb") as stream:
            image = stream.read()
        self.union({"sleep": file(image, 0o755)})
        child = subprocess.Popen([self.p("sleep"), "0.3"])
        self.write("new", image)
        os.chmod(self.p("new"), 0o755)
        os.rename(self.p("new"), self.p("sleep"))
        subprocess.run([self.p("sleep"), "0"], check=True)
        self.assertEqual(child.wait(), 0)
