# SPDX-License-Identifier: MIT
"""Writes every image from its tree, several at a time: most of the work is done by other programs.

Which key of the manifest each file has is said in publish.py.
"""
import concurrent.futures
import os
import pathlib

from . import block, delta, erofs, ext4, variants, workloads
from .assemble import IMAGES
from .report import run, warn

EROFS_IMAGES = ("system", "system-next")
MKE2FS_CONF = pathlib.Path("images") / "mke2fs.conf"


class Images:
    """One build's images. `folder` is where they go, `work` is for what is thrown away afterwards."""

    def __init__(self, parts, confs, vm_dir, folder, work, epoch, progress):
        self._parts = parts
        self._confs = confs
        self._config = vm_dir / MKE2FS_CONF
        self._folder = folder
        self._work = work
        self._epoch = epoch
        self._progress = progress

    def write_all(self):
        """Returns what the manifest says of single files beyond their digest: name to dict."""
        jobs = {f"{name}.ext4": (self._ext4, name) for name in IMAGES}
        jobs["layers.img"] = (self._layers,)
        jobs["workloads.tar"] = (self._workloads,)
        if erofs.available():
            jobs.update({f"{name}.erofs": (self._erofs, name) for name in EROFS_IMAGES})
        else:
            warn("no mkfs.erofs or fakeroot: the images system_erofs and system_next_erofs are left out; run setup/install")
        told = {}
        # The longest first, and no more at once than there are processors.
        order = sorted(jobs, key=lambda name: not name.startswith("user-"))
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            running = {name: pool.submit(*jobs[name]) for name in order}
            try:
                for name, job in running.items():
                    told[name] = job.result()
                    self._progress.step(f"image: {name}")
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        self._block()
        return {name: extra for name, extra in told.items() if extra}

    def _ext4(self, name):
        ext4.write(self._parts.trees[name], self._folder / f"{name}.ext4", self._confs[name]["image"], self._config,
                   self._epoch, self._work)

    def _erofs(self, name):
        erofs.write(self._parts.trees[name], self._folder / f"{name}.erofs", self._confs[name]["erofs"]["uuid"],
                    self._epoch, self._work)

    def _layers(self):
        return variants.write_layers(self._folder / "layers.img", self._confs["layers"], self._work / "layer-blobs",
                                     self._config, self._epoch, self._work)

    def _workloads(self):
        workloads.write_tar(self._folder / "workloads.tar", self._parts.workloads, self._epoch)

    def _block(self):
        """The user's difference to base.ext4, in the forms that QEMU and the kernel put over it."""
        self._progress.step("image: block-user.qcow2, snapshot-user.cow")
        base = self._folder / "base.ext4"
        whole = self._work / "block-user.ext4"
        delta.write(self._parts.trees["base"], self._parts.user_layer, base, whole, self._epoch, self._work)
        run(["e2fsck", "-fn", str(whole)], f"checking {whole.name}", remedy="report this with the e2fsprogs version")
        section = self._confs["base"]["snapshot"]
        chunk_sectors = int(section["chunk_sectors"])
        block.write_qcow2(self._folder / "block-user.qcow2", whole.stat().st_size,
                          delta.differing(base, whole, block.CLUSTER))
        block.write_snapshot(self._folder / "snapshot-user.cow", int(section["size_mib"]) << 20, chunk_sectors,
                             delta.differing(base, whole, chunk_sectors * block.SECTOR))
        whole.unlink()
