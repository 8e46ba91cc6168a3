"""Which files name a package host or a folder of one machine.

A checkout installs from whatever index its machine is set up for, so no file may name one. The
names are asked of the package clients that are here, so that this file need not spell them either.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Finding(NamedTuple):
    """One line that names what no file may name."""

    path: Path
    line: int
    name: str

    def __str__(self) -> str:
        """The finding as compilers print theirs."""
        return f"{self.path}:{self.line}: names {self.name}"


def package_hosts() -> set[str]:
    """The hosts that pip, npm and apt of this machine install from."""
    hosts = {urlsplit(url).hostname for url in _client_urls()} - LOOPBACK
    return {host for host in hosts if host is not None}


def machine_folders(checkout: Path) -> set[str]:
    """The checkout's own folder and the one around it, where they tell machines apart."""
    return {str(folder) for folder in (checkout, checkout.parent) if len(folder.parts) > 2}


def tracked_files(checkout: Path) -> list[Path]:
    """Every file git keeps or would keep: tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )
    return [checkout / name for name in listed.stdout.split("\0") if name]


def findings(files: Iterable[Path], hosts: set[str], folders: set[str]) -> list[Finding]:
    """Every line of `files` that names one of `hosts` or lies under one of `folders`."""
    patterns = [rf"(?<![\w.-]){re.escape(host)}(?![\w-])" for host in hosts]
    patterns += [rf"(?<![\w.-]){re.escape(folder)}(?=/|\W|$)" for folder in folders]
    # The longest first: of a folder and the one around it, the finding names the folder.
    forbidden = re.compile("|".join(sorted(patterns, key=len, reverse=True)))
    return [
        Finding(path, number, match.group())
        for path in files
        for number, line in enumerate(_lines(path), start=1)
        for match in forbidden.finditer(line)
    ]


def main() -> int:
    """Prints every finding of this checkout; 1 if there is any."""
    checkout = Path.cwd()
    files = tracked_files(checkout)
    hosts = package_hosts()
    found = findings(files, hosts, machine_folders(checkout))
    for finding in found:
        print(finding, file=sys.stderr)
    print(f"{len(files)} files looked at for {len(hosts)} package hosts: {len(found)} findings")
    return 1 if found else 0


def _lines(path: Path) -> list[str]:
    if path.is_symlink() or not path.is_file():
        return []
    content = path.read_bytes()
    return [] if b"\0" in content else content.decode(errors="replace").splitlines()


def _client_urls() -> Iterator[str]:
    """Every URL the clients install from: their own default first, then what is set up here."""
    default = (
        "from pip._internal.models.index import PyPI\n"
        "print(PyPI.url); print('https://' + PyPI.file_storage_domain)"
    )
    configured = _said(sys.executable, "-m", "pip", "config", "list")
    yield from _said(sys.executable, "-c", default).split()
    yield from re.findall(r"https?://[^\s'\"]+", configured)
    if shutil.which("npm") is not None:
        yield from _said("npm", "config", "get", "registry").split()
    for source in (Path("/etc/apt/sources.list"), *Path("/etc/apt").glob("sources.list.d/*")):
        if source.is_file():
            yield from re.findall(r"https?://[^\s'\"]+", source.read_text(errors="replace"))


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    sys.exit(main())
