# SPDX-License-Identifier: MIT
"""A guest for the tests of the images: starts QEMU under software emulation, waits for markers, and
runs commands through the guest agent. The harness has its own, complete one; this is only for tests.
"""
import base64
import json
import os
import pathlib
import socket
import subprocess
import time

import disks as disks_module

BOOT_SECONDS = 180


class GuestError(Exception):
    """A wait ran out, or the guest died; the text holds the end of the console log."""


def place(number, count):
    """Where on the bus: many disks go eight to a slot, as the functions of one device."""
    return f",multifunction=on,addr={8 + number // 8:#x}.{number % 8}" if count > 16 else ""


class Guest:
    """One QEMU process. Use as a context manager: it is ended on every way out."""

    def __init__(self, folder, kernel, initramfs, disks, command_line, extra=()):
        """`disks`: (serial, path, read-only) in the order of attachment."""
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.marks_path = self.folder / "marks"
        self.console_path = self.folder / "console.log"
        self._agent_path = self.folder / "agent.sock"
        self._agent = None
        argv = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max,la57=off", "-smp", "1", "-m", "512",
            "-machine", os.environ.get("BLEND_TEST_MACHINE", "q35,hpet=off,vmport=off,smm=off,usb=off,sata=off,graphics=off"),
            "-kernel", str(kernel), "-initrd", str(initramfs),
            "-append", f"console=ttyS0 quiet loglevel=7 panic=-1 no_timer_check {command_line}",
            "-chardev", f"file,id=marks,path={self.marks_path}", "-device", "isa-debugcon,iobase=0xe9,chardev=marks",
            "-chardev", f"file,id=console,path={self.console_path}", "-serial", "chardev:console",
            "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=agent,path={self._agent_path},server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
        ]
        for number, (serial, path, readonly) in enumerate(disks):
            argv += ["-drive", f"if=none,id=d{number},{disks_module.drive(path)},readonly={'on' if readonly else 'off'}",
                     "-device", f"virtio-blk-pci,drive=d{number},serial={serial}{place(number, len(disks))}"]
        self._argv = argv + list(extra)
        self._process = None
        self.started = 0.0

    def __enter__(self):
        self.started = time.monotonic()
        with open(self.folder / "qemu.log", "wb") as log:
            self._process = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def __exit__(self, *exc_info):
        if self._agent is not None:
            self._agent.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def marks(self):
        return self.marks_path.read_text(errors="replace") if self.marks_path.exists() else ""

    def console(self):
        return self.console_path.read_text(errors="replace") if self.console_path.exists() else ""

    def _give_up(self, why):
        qemu = (self.folder / "qemu.log").read_text(errors="replace")
        raise GuestError(f"{why}; marks {self.marks()!r}\n{qemu}\n" + "\n".join(self.console().splitlines()[-30:]))

    def wait_for(self, mark, seconds=BOOT_SECONDS):
        """Waits for a marker; returns the seconds from the start of QEMU."""
        deadline = time.monotonic() + seconds
        while mark not in self.marks():
            if mark != "E" and "E" in self.marks():
                self._give_up("the initramfs gave up")
            if self._process.poll() is not None and mark not in self.marks():
                self._give_up(f"QEMU ended with {self._process.returncode} before {mark}")
            if time.monotonic() > deadline:
                self._give_up(f"no {mark} within {seconds} s")
            time.sleep(0.02)
        return time.monotonic() - self.started

    def wait_end(self, seconds=90):
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._give_up(f"still running after {seconds} s")
        if self._process.returncode != 0:
            self._give_up(f"QEMU ended with {self._process.returncode}")
        return time.monotonic() - self.started

    def _ask(self, command, arguments, seconds):
        if self._agent is None:
            self._agent = socket.socket(socket.AF_UNIX)
            self._agent.connect(str(self._agent_path))
        self._agent.settimeout(seconds)
        request = {"execute": command, **({"arguments": arguments} if arguments else {})}
        self._agent.sendall(json.dumps(request).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            try:
                chunk = self._agent.recv(65536)
            except TimeoutError:
                self._give_up(f"the agent does not answer {command}")
            if not chunk:
                self._give_up(f"the agent's socket closed during {command}")
            answer += chunk
        parsed = json.loads(answer)
        if "error" in parsed:
            raise GuestError(f"{command}: {parsed['error']}")
        return parsed["return"]

    def run(self, script, seconds=120):
        """Runs a shell script in the guest; returns (status, stdout, stderr)."""
        self._ask("guest-ping", None, seconds)
        pid = self._ask("guest-exec", {"path": "/bin/sh", "arg": ["-c", script], "capture-output": True}, seconds)["pid"]
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = self._ask("guest-exec-status", {"pid": pid}, seconds)
            if status["exited"]:
                return (status.get("exitcode", -1), *(base64.b64decode(status.get(name, "")).decode(errors="replace")
                                                      for name in ("out-data", "err-data")))
            time.sleep(0.1)
        return self._give_up(f"{script!r} still runs after {seconds} s")

    def start(self, script, seconds=120):
        """Starts a shell script in the guest and leaves it running."""
        self._ask("guest-ping", None, seconds)
        return self._ask("guest-exec", {"path": "/bin/sh", "arg": ["-c", script]}, seconds)["pid"]

    def cut_power(self):
        """Kills QEMU: the guest loses all it had not yet handed to its disks."""
        self._process.kill()
        self._process.wait()

    def power_off(self):
        """Asks systemd to power off, and waits for QEMU's end."""
        self._ask("guest-ping", None, 60)
        pid = self._ask("guest-exec", {"path": "/bin/systemctl", "arg": ["poweroff"]}, 60)
        assert pid
        return self.wait_end()
