# SPDX-License-Identifier: MIT
"""Turns confs, overlay trees and packages into the trees of the images."""
import hashlib
import os
import re
from dataclasses import dataclass

from . import packages, variants, workloads
from .report import BuildError, run
from .tree import BlobStore, Entry, Tree, merge

IMAGES = ("system", "system-next", "app", "user", "monolithic", "base", "base-next", "home", "user-some", "user-filled",
          "user-medium", "user-large")


@dataclass
class Parts:
    """What comes out: a tree per image, what the user changes as a layer, the packages for kernel and initramfs,
    all versions, the guest's tools and the workloads' files by name."""

    trees: dict
    user_layer: Tree
    boot_debs: dict
    versions: dict
    tools: dict
    workloads: dict


def _lines(section, name):
    return [line.strip() for line in section.get(name, "").splitlines() if line.strip()]


def _owner(text):
    match = re.fullmatch(r"(\d+):(\d+)", text)
    if not match:
        raise BuildError(f"owner {text!r} is not UID:GID", "mend the image's conf")
    return {"uid": int(match[1]), "gid": int(match[2])}


def apply_conf(tree, section, images_dir, store):
    """Does to `tree` what the [tree] section of a conf asks for."""
    for pattern in _lines(section, "remove"):
        tree.remove(pattern)
    if "overlay" in section:
        tree.add_folder(images_dir / section["overlay"], store)
    for line in _lines(section, "directories"):
        path, mode, owner = line.split()
        tree.entries[path] = Entry("dir", int(mode, 8), **_owner(owner))
    for path in _lines(section, "empty_files"):
        tree.entries[path] = Entry("file", 0o644, blob=store.add_bytes(b""))
    for unit in _lines(section, "mask"):
        tree.entries[f"/etc/systemd/system/{unit}"] = Entry("symlink", 0o777, target="/dev/null")
    for generator in _lines(section, "mask_generators"):
        tree.entries[f"/etc/systemd/system-generators/{generator}"] = Entry("symlink", 0o777, target="/dev/null")
    for line in _lines(section, "symlinks"):
        path, target = line.split()
        tree.entries[path] = Entry("symlink", 0o777, target=target)
    for path in _lines(section, "whiteouts"):
        tree.entries[path] = Entry("whiteout", 0)
    for line in _lines(section, "owners"):
        pattern, owner = line.split()
        tree.change(pattern, **_owner(owner))
    tree.add_parents()
    for path in _lines(section, "opaque"):
        tree.change(path, xattrs=(("trusted.overlay.opaque", b"y".hex()),))


def compile_tool(source, scratch):
    """A program for the guest: no C library, so any C++ compiler for x86-64 will do."""
    out = scratch / source.stem
    run([os.environ.get("CXX", "g++"), "-Os", "-static", "-nostdlib", "-fno-exceptions", "-fno-rtti", "-ffreestanding",
         "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fno-tree-loop-distribute-patterns", "-fno-pie", "-no-pie", "-fcf-protection=none",
         "-Wl,--build-id=none,-z,noexecstack", "-s", "-o", str(out), str(source)], f"compiling {source.name}")
    return out


def data_bytes(section):
    return hashlib.shake_256(section["seed"].encode()).digest(int(section["mib"]) << 20)


def _unpack_system(tar_path, store, scratch):
    """Splits the tar: the system's tree, and the packages that ride below /.blend as files."""
    whole = Tree()
    with open(tar_path, "rb") as stream:
        whole.add_tar(stream, store)
    debs = {"app": {}, "boot": {}, "workloads": {}}
    kinds = {packages.APP: "app", packages.BOOT: "boot", packages.WORKLOADS: "workloads"}
    for path, entry in list(whole.entries.items()):
        if path.startswith(packages.STAGE):
            kind = kinds.get(f"{os.path.dirname(path)}/")
            if kind == "workloads" or (kind and path.endswith(".deb")):
                debs[kind][os.path.basename(path)] = entry.blob
            del whole.entries[path]
    if not debs["app"] or not debs["boot"]:
        raise BuildError(f"{tar_path} holds no application or kernel packages", "run build --force")
    return whole, debs


def _app_tree(debs, system, section, store, overlay):
    """Only the packages' own files and the overlay, at the places which the system's merged /usr gives them."""
    raw = Tree()
    lines = []
    for name in sorted(debs):
        package, version = packages.deb_field(debs[name])
        lines.append(f"{package} {version}\n")
        process = packages.deb_stream(debs[name])
        raw.add_tar(process.stdout, store)
        if process.wait() != 0:
            raise BuildError(f"cannot unpack {name}", "run build --force")
    tree = Tree()
    for path, entry in raw.items():
        # /lib/x of an old package is /usr/lib/x here: a plain /lib would hide the system's symlink.
        if path != "/" and system.entries.get(path, entry).kind != "symlink":
            tree.entries[system.real_path(path)] = entry
    for pattern in _lines(section, "remove"):
        tree.remove(pattern)
    tree.add_folder(overlay, store)
    tree.entries[section["package_list"]] = Entry("file", 0o644, blob=store.add_bytes("".join(lines).encode()))
    tree.add_parents()
    _drop_empty_directories(tree)
    return tree


def _drop_empty_directories(tree):
    """A directory that only held what was removed is nothing the application adds."""
    for path, entry in reversed(tree.items()):
        if entry.kind == "dir" and path != "/" and not any(p.startswith(path + "/") for p in tree.entries):
            del tree.entries[path]


def _system_tree(system, confs, images_dir, mark, workload_files, store):
    """Makes of the packages' tree the system image's."""
    apply_conf(system, confs["system"]["tree"], images_dir, store)
    data = confs["system"]["data"]
    system.entries[data["path"]] = Entry("file", 0o644, blob=store.add_bytes(data_bytes(data)))
    variants.fill(system, confs["system"]["fill"], store)
    workloads.lay_into(system, confs["workloads"]["tree"]["folder"], workload_files)
    system.entries["/usr/lib/blend/mark"] = Entry("file", 0o755, blob=mark)
    system.add_parents()


def _versions(system, debs):
    """Name to version of every package, also of the source package."""
    versions = packages.parse_status(_read(system, "/var/lib/dpkg/status"))
    for name, blob in [pair for kind in debs.values() for pair in kind.items()]:
        if name.endswith(".deb"):
            package, version = packages.deb_field(blob)
            versions[package] = version
        elif name.endswith(".dsc"):
            source, version = packages.source_field(blob)
            versions[f"src:{source}"] = version
    return versions


def assemble(confs, vm_dir, tar_path, scratch, epoch):
    """Builds every tree; contents go to a blob store below `scratch`."""
    images_dir = vm_dir / "images"
    store = BlobStore(scratch / "blobs")
    system, debs = _unpack_system(tar_path, store, scratch)
    versions = _versions(system, debs)
    tools = {source.stem: store.add_bytes(compile_tool(source, scratch).read_bytes())
             for source in sorted((vm_dir / "guest-tools").glob("*.cc"))}
    workload_files = workloads.collect(debs["workloads"], store, epoch)
    _system_tree(system, confs, images_dir, tools["mark"], workload_files, store)
    newer = system.copy()
    apply_conf(newer, confs["system-next"]["tree"], images_dir, store)
    section = confs["app"]["tree"]
    app = _app_tree(debs["app"], system, section, store, images_dir / section["overlay"])
    user = Tree()
    apply_conf(user, confs["user"]["tree"], images_dir, store)
    some, filled = (_filled(user, confs[name], store) for name in ("user-some", "user-filled"))
    layer = subtree(user, "/upper")
    trees = {"system": system, "system-next": newer, "app": app, "user": user, "monolithic": merge([app, system], layer),
             "base": merge([app, system], Tree()), "base-next": merge([app, newer], Tree()),
             "home": subtree(user, "/upper/home"), "user-some": some, "user-filled": filled, "user-medium": filled,
             "user-large": filled}
    return Parts(trees, layer, debs["boot"], versions, tools, workload_files)


def _filled(user, conf, store):
    tree = user.copy()
    for name in ("fill-home", "fill-system"):
        variants.fill(tree, conf[name], store)
    return tree


def subtree(tree, root):
    """The tree below `root`, as a tree of its own."""
    result = Tree()
    for path, entry in tree.entries.items():
        if path == root or path.startswith(root + "/"):
            result.entries[path[len(root):] or "/"] = entry
    return result


def _read(tree, path):
    entry = tree.entries.get(path)
    if entry is None:
        raise BuildError(f"the packages made no {path}", "run build --force")
    with open(entry.blob, encoding="utf-8", errors="replace") as stream:
        return stream.read()
