#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Guests on two hosts that answer ssh, with the images in the bundle: guests_test.py BLENDBENCH

Needs what ssh_test.py does, QEMU, and guest images in $BLEND_IMAGES; skipped with the reason (exit 77) where one is missing. Takes two minutes,
emulated.
"""
import os
import pathlib
import shutil
import sys

import own_hosts
from cluster_case import lines_of, main
from ssh_case import HOSTS, SshCase

IMAGES = os.environ.get("BLEND_IMAGES", "")
SPEC = """
name = "tiny"
substrate = "auto"
blocks = {blocks}
promises = true
[noise]
max_steal = 1.0
max_foreign = 1.0
[guest]
memory_mib = 768
cpus = 1
boot_timeout_s = 240
job_timeout_s = 120
poweroff_timeout_s = 90
[[arm]]
id = "coarse"
layout = "coarse"
reference = true
[[arm]]
id = "fine-blendfs"
layout = "fine"
engine = "blendfs"
"""


def missing():
    if not IMAGES or not pathlib.Path(IMAGES, "manifest.json").exists():
        return "no guest images; make some with vm-images/build and name their folder by BLEND_IMAGES"
    if shutil.which("qemu-system-x86_64") is None:
        return "no qemu-system-x86_64"
    return own_hosts.missing()


class Guests(SshCase):
    spec = SPEC
    arms = 2
    blocks = 2

    def test_each_host_boots_whole_blocks_from_images_that_travelled(self):
        self.finish(self.begin("--images", IMAGES, "--bundle-images", "--json"), 900)
        self.assertEqual({node for node, _ in self.hosts_of_blocks().values()}, set(HOSTS))
        for host in HOSTS:
            brought = list((self.folder / "hosts" / host).glob("bundle-*/images/system*"))
            self.assertEqual(len(brought), 2, f"{host}: system and system_next alone")
        for sample in lines_of(self.runs / "r" / "samples.jsonl"):
            self.assertGreater(sample["metrics"]["boot.total_s"], 0)
        report = self.call("export", "r", "--format", "report")
        self.assertEqual(len(report["run"]["machines"]), 2)
        self.assertNotEqual(report["run"]["finished"], "")


if __name__ == "__main__":
    sys.exit(main(Guests, missing()))
