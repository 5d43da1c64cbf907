# SPDX-License-Identifier: MIT
"""Gets the packages: one mmdebstrap run makes the system's tar and downloads all the rest.

The application's and the kernel's packages, and what workloads work on, are downloaded by the same apt, so
that one set of package lists decides every version. They come back inside the tar, below /.blend.
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess

from . import mirror
from .report import BuildError, run

STAGE = "/.blend"
APP = STAGE + "/app/"
BOOT = STAGE + "/boot/"
WORKLOADS = STAGE + "/workloads/"


def plan(confs):
    """Decides distribution, mirror, suite and package names; returns what `fetch` needs."""
    guest = confs["guest"]
    distribution, url = mirror.find(guest.sections())
    section = guest[distribution]
    suite = section["suite"]
    if suite == "host":
        suite = mirror.host_release()[1]
    keyring = section["keyring"]
    if not pathlib.Path(keyring).exists():
        raise BuildError(f"the keyring {keyring} is missing",
                         f"run setup/install, or apt-get install {section['keyring_package']}")
    return {
        "distribution": distribution, "mirror": url, "suite": suite, "components": section["components"],
        "keyring": keyring, "kernel": section["kernel"],
        "system": confs["system"]["packages"]["include"].split(),
        "app": confs["app"]["packages"]["include"].split(),
        "workload_source": confs["workloads"]["packages"]["source"],
        "workload_package": confs["workloads"]["packages"]["package"],
    }


def key(chosen):
    """The part of a plan that decides what comes out: another mirror of the same archive does not."""
    return {name: value for name, value in chosen.items() if name not in ("mirror", "keyring")}


def hook_text(chosen):
    """Shell text that runs inside mmdebstrap, with the new root as $1, outside of it."""
    app = " ".join(shlex.quote(name) for name in chosen["app"])
    kernel = shlex.quote(chosen["kernel"])
    source, package = shlex.quote(chosen["workload_source"]), shlex.quote(chosen["workload_package"])
    return f"""set -eu
root=$1
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
mkdir -p "$root{APP}partial" "$root{BOOT}" "$root{WORKLOADS}"
apt() {{ apt-get -q -y -o APT::Sandbox::User=root -o APT::Install-Recommends=false "$@"; }}
apt --download-only -o Dir::Cache::archives="$root{APP}" install {app}
rm -rf "$root{APP}partial" "$root{APP}lock"
depends() {{ apt-cache depends "$1" | sed -n "s/^ *Depends: \\($2-[^ ]*\\)\\$/\\1/p" | head -n 1; }}
image=$(depends {kernel} linux-image)
[ -n "$image" ] || {{ echo "E: {kernel} depends on no linux-image package" >&2; exit 1; }}
modules=$(depends "$image" linux-modules)
cd "$root{BOOT}"
apt download "$image" $modules busybox-static
cd "$root{WORKLOADS}"
apt download {package}
apt source --download-only --only-source {source}
chroot "$root" useradd --create-home --uid 1000 --shell /bin/bash user
chroot "$root" passwd --delete root
"""


def fetch(chosen, tar_path, epoch, log_path):
    """Runs mmdebstrap; `tar_path` then holds the system, and the other packages below /.blend."""
    mode = "root" if os.geteuid() == 0 else "unshare"
    if mode == "unshare" and shutil.which("newuidmap") is None:
        raise BuildError("an ordinary user needs newuidmap to install packages into a tree",
                         "run setup/install, or apt-get install uidmap")
    archive = f"[signed-by={chosen['keyring']}] {chosen['mirror']} {chosen['suite']} {chosen['components']}"
    argv = [
        "mmdebstrap", f"--mode={mode}", "--variant=apt", "--format=tar", "--architectures=amd64",
        f"--include={','.join(chosen['system'])}",
        "--aptopt=APT::Install-Recommends \"false\"", "--aptopt=Acquire::Languages \"none\"",
        "--aptopt=Acquire::Retries \"3\"", "--aptopt=Acquire::http::Timeout \"30\"",
        "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=path-exclude=/usr/share/info/*",
        # Nothing is lost by skipping fsync: a tree that was interrupted is thrown away.
        "--dpkgopt=force-unsafe-io",
        f"--customize-hook={hook_text(chosen)}",
        chosen["suite"], str(tar_path), f"deb {archive}", f"deb-src {archive}",
    ]
    environ = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C.UTF-8", **_proxies()}
    try:
        run(argv, "installing the guest's packages", log_path=log_path, env=environ, stdin=subprocess.DEVNULL)
    except BuildError as error:
        raise BuildError(_reason(log_path, error), f"whole log in {log_path}") from error


def _reason(log_path, error):
    """The first line of an mmdebstrap log that tells the cause; its last lines never do."""
    if not log_path.is_file():
        return error.problem
    lines = log_path.read_text(errors="replace").splitlines()
    for pattern in (r"No space left", r"^E: (?!apt-get|run_|setup|mmdebstrap|command failed).+",
                    r"Could not resolve|Unable to fetch|Failed to fetch", r"^E: "):
        for line in lines:
            if re.search(pattern, line):
                return f"installing the guest's packages: {line.strip()}"
    return error.problem


def _proxies():
    """apt's proxy settings, as environment variables: mmdebstrap's apt does not read the machine's."""
    found = {}
    if shutil.which("apt-config") is None:
        return found
    dump = subprocess.run(["apt-config", "dump", "Acquire"], stdout=subprocess.PIPE, check=False).stdout.decode()
    for scheme in ("http", "https"):
        match = re.search(rf'^Acquire::{scheme}::Proxy "([^"]+)";$', dump, re.MULTILINE)
        if match and match[1] != "DIRECT" and f"{scheme}_proxy" not in os.environ:
            found[f"{scheme}_proxy"] = match[1]
    return found


def parse_status(text):
    """Name to version of every installed package in dpkg's status text."""
    versions = {}
    for stanza in text.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Status): (.*)$", stanza, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            versions[fields["Package"]] = fields["Version"]
    return versions


def deb_field(path):
    """(package, version) of a .deb file."""
    out = run(["dpkg-deb", "-f", str(path), "Package", "Version"], f"reading {path}").decode()
    fields = dict(re.findall(r"^(Package|Version): (.*)$", out, re.MULTILINE))
    return fields["Package"], fields["Version"]


def source_field(path):
    """(source package, version) of a .dsc file."""
    with open(path, encoding="utf-8", errors="replace") as stream:
        fields = dict(re.findall(r"^(Source|Version): (.*)$", stream.read(), re.MULTILINE))
    return fields["Source"], fields["Version"]


def deb_stream(path):
    """A running `dpkg-deb --fsys-tarfile`; the caller reads its stdout and waits for it."""
    return subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(path)], stdout=subprocess.PIPE)
