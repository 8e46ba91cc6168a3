"""Hosts in network namespaces, on a switch that exists for one run only.

`enter` moves this process into namespaces of its own (network and mounts) before anything is made,
so nothing of it is to be seen outside, and all of it is gone when the process ends.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NoReturn

SWITCH: Final = "10.77.0.1"
"""Where this process is."""
_INSIDE: Final = "CASETRAIL_CLUSTER_NETWORK"


class NoNamespaces(Exception):
    """Namespaces cannot be made here; the message says what to do."""


def enter(module: str, arguments: Iterable[str]) -> None:
    """Returns inside namespaces of its own; begins the program again there when it is outside."""
    if os.environ.get(_INSIDE):
        return
    for program, package in (("unshare", "util-linux"), ("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(program) is None:
            raise NoNamespaces(f"There is no program {program}: install the package {package}.")
    if os.geteuid() != 0:
        raise NoNamespaces("Only root makes network namespaces: run it as root.")
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "true"], capture_output=True, text=True, check=False
    )
    if tried.returncode != 0:
        raise NoNamespaces(f"This machine allows no namespaces: {tried.stderr.strip()}")
    _begin_again(module, arguments)


def _begin_again(module: str, arguments: Iterable[str]) -> NoReturn:
    os.environ[_INSIDE] = "1"
    command = ["unshare", "--net", "--mount", sys.executable, "-m", module, *arguments]
    os.execvp(command[0], command)


class Network:
    """Hosts with an address each."""

    def __init__(self, names: Iterable[str]) -> None:
        Path("/run/netns").mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "add", "switch", "type", "bridge")
        _run("ip", "address", "add", f"{SWITCH}/24", "dev", "switch")
        _run("ip", "link", "set", "switch", "up")
        self._addresses = {name: f"10.77.0.{10 + n}" for n, name in enumerate(names)}
        for name, address in self._addresses.items():
            cable = f"to-{name}"
            _run("ip", "netns", "add", name)
            _run(
                *("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0"),
                *("netns", name),
            )
            _run("ip", "link", "set", cable, "master", "switch", "up")
            _run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            _run("ip", "-n", name, "link", "set", "eth0", "up")
            _run("ip", "-n", name, "link", "set", "lo", "up")

    def address(self, name: str) -> str:
        """Of a host."""
        return self._addresses[name]

    @staticmethod
    def command(name: str) -> list[str]:
        """What a program is begun with to run on a host."""
        return ["ip", "netns", "exec", name]

    @staticmethod
    def isolate(name: str) -> None:
        """Pulls a host's cable: nobody reaches it any more."""
        _run("ip", "link", "set", f"to-{name}", "down")

    @staticmethod
    def rejoin(name: str) -> None:
        """Plugs the cable in again."""
        _run("ip", "link", "set", f"to-{name}", "up")

    def cut(self, name: str, others: Iterable[str]) -> None:
        """A host hears nothing of these others any more; the rest of the network goes on."""
        away = ", ".join(self._addresses[other] for other in others)
        rules = (
            "add table inet cut\n"
            "add chain inet cut heard { type filter hook input priority 0; }\n"
            f"add rule inet cut heard ip saddr {{ {away} }} drop\n"
        )
        subprocess.run([*self.command(name), "nft", "-f", "-"], input=rules, text=True, check=True)

    def heal(self) -> None:
        """Everybody hears everybody."""
        for name in self._addresses:
            self.rejoin(name)
            with contextlib.suppress(subprocess.CalledProcessError):
                _run(*self.command(name), "nft", "delete", "table", "inet", "cut")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
