# SPDX-License-Identifier: MIT
"""The command `vm-images/build`."""
import argparse
import concurrent.futures
import configparser
import json
import os
import pathlib
import sys

from . import assemble, boot, cache, erofs, images, packages, publish
from .report import BuildError, Progress, warn

VM_DIR = pathlib.Path(__file__).resolve().parent.parent
CONFS = ("guest", "workloads", "layers", *assemble.IMAGES)
# Every time stamp in every image: the first second of 2025. Fixed, because trees must not depend on today.
EPOCH = 1735689600

USAGE_END = """exit codes: 0 done, 1 the build failed, 2 wrong arguments, 130 interrupted
environment: BLEND_CACHE (where downloads and finished images stay), BLEND_MIRROR (URL of a Debian mirror;
otherwise the machine's own apt sources tell it), BLEND_DISTRIBUTION (with BLEND_MIRROR: a section of
images/guest.conf), CXX (compiler of the guest's tools)"""


def parse(argv):
    parser = argparse.ArgumentParser(
        prog="build", description="Builds the guest images, the kernel and the initramfs.", epilog=USAGE_END,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, metavar="DIR",
                        help="where manifest.json and the files go (default: CACHE/images/current)")
    parser.add_argument("--blendfs", type=pathlib.Path, metavar="FILE",
                        help="static blendfs for the initramfs; without it blend.engine=blendfs does not boot")
    parser.add_argument("--force", action="store_true", help="fetch the packages and build everything anew")
    return parser.parse_args(argv)


def load_confs(images_dir):
    confs = {}
    for name in CONFS:
        conf = configparser.ConfigParser(interpolation=None, delimiters=("=",))
        try:
            with open(images_dir / f"{name}.conf", encoding="utf-8") as stream:
                conf.read_file(stream)
        except (OSError, configparser.Error) as error:
            raise BuildError(f"images/{name}.conf: {error}", "restore the file") from error
        confs[name] = conf
    return confs


def get_packages(store, chosen, force, progress):
    """The folder with base.tar."""
    key = cache.digest(packages.key(chosen), cache.file_digests(VM_DIR / "builder" / "packages.py"))
    found = None if force else store.lookup("packages", key)
    if found is None:
        store.require_space()
        progress.step(f"packages: installing {chosen['distribution']} {chosen['suite']} into a tree")
        with store.making("packages", key) as scratch:
            packages.fetch(chosen, scratch / "base.tar", EPOCH, store.root / "packages.log")
            (scratch / "id").write_text(cache.file_digests(scratch / "base.tar"), encoding="ascii")
        found = store.lookup("packages", key)
    else:
        progress.step("packages: from the cache")
    return found


def make_images(store, key, fetched, confs, progress):
    """Fills the folder for `key` with images, kernel, the initramfs's base and build.json."""
    store.require_space()
    with store.making("trees", key) as scratch:
        progress.step("trees: unpacking packages, laying overlays")
        work = scratch / "work"
        work.mkdir()
        parts = assemble.assemble(confs, VM_DIR, fetched / "base.tar", work, EPOCH)
        told = images.Images(parts, confs, VM_DIR, scratch, work, EPOCH, progress).write_all()
        progress.step("kernel and the initramfs's base")
        boot_tree = boot.unpack(parts.boot_debs, work)
        version, image = boot.kernel(boot_tree)
        (scratch / "vmlinuz").write_bytes(image)
        (scratch / "base.cpio").write_bytes(boot.base_archive(boot_tree, parts.tools, EPOCH))
        progress.step("digests of the trees")
        build = {"kernel_version": version, "packages": parts.versions,
                 "trees": {name: tree.digest() for name, tree in parts.trees.items()}}
        progress.step("cleaning up, digests of the images")
        publish.seal(scratch)
        # Both take long: a disk that discards what is deleted is busy, and so is a processor that digests.
        with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
            pool.submit(publish.drop, work)
            build["files"] = publish.describe_all(scratch, told)
        (scratch / "build.json").write_text(json.dumps(build, indent=1, sort_keys=True), encoding="utf-8")
    return store.lookup("trees", key)


def get_images(store, fetched, confs, force, progress):
    """(folder, build.json's contents, key) of the images."""
    key = cache.digest(EPOCH, erofs.available(), (fetched / "id").read_text(encoding="ascii"),
                       *[cache.folder_digest(VM_DIR / name) for name in ("builder", "images", "guest-tools")])
    found = None if force else store.lookup("trees", key)
    if found is not None:
        build = json.loads((found / "build.json").read_text(encoding="utf-8"))
        if publish.unchanged(found, build["files"]):
            progress.step("images: from the cache")
            return found, build, key
        warn(f"somebody has changed the images in {found}; building them anew")
    found = make_images(store, key, fetched, confs, progress)
    return found, json.loads((found / "build.json").read_text(encoding="utf-8")), key


def get_initramfs(store, images, images_key, blendfs, progress):
    """(path, description, key) of the initramfs."""
    key = cache.digest(images_key, cache.folder_digest(VM_DIR / "initramfs"),
                       cache.file_digests(blendfs) if blendfs else None)
    found = store.lookup("initramfs", key)
    if found is None or not publish.unchanged(found, json.loads((found / "build.json").read_text())):
        progress.step(f"initramfs: {'with' if blendfs else 'without'} blendfs")
        with store.making("initramfs", key) as scratch:
            path = scratch / "initramfs.img"
            path.write_bytes((images / "base.cpio").read_bytes() + boot.top_archive(VM_DIR / "initramfs", blendfs, EPOCH))
            publish.seal(scratch)
            (scratch / "build.json").write_text(json.dumps({path.name: publish.describe(path)}), encoding="utf-8")
        found = store.lookup("initramfs", key)
    else:
        progress.step("initramfs: from the cache")
    return found / "initramfs.img", json.loads((found / "build.json").read_text(encoding="utf-8")), key


def build(options):
    progress = Progress()
    if options.blendfs is not None:
        boot.check_static(options.blendfs)
    confs = load_confs(VM_DIR / "images")
    with cache.Cache(cache.folder()) as store:
        chosen = packages.plan(confs)
        fetched = get_packages(store, chosen, options.force, progress)
        images, made, images_key = get_images(store, fetched, confs, options.force, progress)
        initramfs, initramfs_files, key = get_initramfs(store, images, images_key, options.blendfs, progress)
        out = options.out or store.root / "current"
        sources = {name: images / name for _, name in publish.FILES if name in made["files"]}
        sources["initramfs.img"] = initramfs
        document = publish.manifest({**made["files"], **initramfs_files}, made, key)
        publish.write_out(out, sources, document)
        progress.step(f"done: {out / 'manifest.json'}")


def main(argv):
    options = parse(argv)
    # An ordinary user's PATH lacks mke2fs and debugfs.
    os.environ["PATH"] = f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"
    try:
        build(options)
    except BuildError as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"build: {error.strerror}: {error.filename or ''}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("build: interrupted", file=sys.stderr)
        return 130
    return 0
