"""The data folder of one stack: its files, who may read them, and the lock on it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from casetrail_local.errors import StackError

DEFAULT_FOLDER = Path(".casetrail")
# An AF_UNIX path holds 104 bytes (108 on Linux), and supervisord first makes `<path>.<pid>`.
SOCKET_PATH_LIMIT = 90


@dataclass(frozen=True)
class DataFolder:
    """Where one stack keeps everything: data, logs, secrets, and what describes it."""

    root: Path

    @classmethod
    def at(cls, root: Path) -> DataFolder:
        """The folder, made if it was missing, readable by its owner only."""
        root = root.expanduser().resolve()
        try:
            root.mkdir(parents=True, exist_ok=True)
            root.chmod(0o700)
            for name in ("logs", "nats", "mongo"):
                (root / name).mkdir(exist_ok=True)
        except OSError as fault:
            raise StackError(
                f"The data folder {root} cannot be used ({fault.strerror}): "
                "give another one with --data."
            ) from fault
        return cls(root)

    @property
    def description(self) -> Path:
        """`stack.json`: what a running stack tells scripts and tests."""
        return self.root / "stack.json"

    @property
    def addresses(self) -> Path:
        """Where each service shows its health and metrics; `casetrail status` reads it."""
        return self.root / "addresses.json"

    @property
    def secrets(self) -> Path:
        """What the stack made for itself once."""
        return self.root / "secrets.json"

    @property
    def tokens(self) -> Path:
        """The gateway's tokens, hashed."""
        return self.root / "tokens.json"

    @property
    def processes(self) -> Path:
        """The processes this stack started, so that a later start can end what was left."""
        return self.root / "processes.json"

    @property
    def archives(self) -> Path:
        """The archived records."""
        return self.root / "archives"

    @property
    def retention(self) -> Path:
        """The retention policy, when there is one."""
        return self.root / "retention.yaml"

    @property
    def supervisor_config(self) -> Path:
        """The generated supervisord.conf."""
        return self.root / "supervisord.conf"

    @property
    def spool(self) -> Path:
        """Where ingest keeps events while NATS is away."""
        return self.root / "spool"

    @property
    def nats_config(self) -> Path:
        """The generated nats.conf."""
        return self.root / "nats" / "nats.conf"

    @property
    def nats_keys(self) -> Path:
        """The seeds of the users of NATS, a file each."""
        return self.root / "nats" / "keys"

    @property
    def supervisor_socket(self) -> Path:
        """Where supervisord listens: here, or in a short folder when this path is too long."""
        here = self.root / "supervisor.sock"
        if len(os.fsencode(here)) <= SOCKET_PATH_LIMIT:
            return here
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        short = Path(tempfile.gettempdir()) / f"casetrail-{os.getuid()}-{digest}"
        short.mkdir(mode=0o700, exist_ok=True)
        if short.stat().st_uid != os.getuid():
            raise StackError(f"{short} belongs to another user: give a shorter path with --data.")
        short.chmod(0o700)
        return short / "supervisor.sock"

    def log(self, name: str) -> Path:
        """The log file of one process."""
        return self.root / "logs" / f"{name}.log"

    @property
    def locked(self) -> bool:
        """True while a stack runs from this folder."""
        return self.holder is not None

    @property
    def holder(self) -> int | None:
        """The process id of the program that runs a stack from here, or None."""
        try:
            handle = (self.root / "lock").open("r", encoding="utf-8")
        except FileNotFoundError:
            return None
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return int(handle.read().strip() or 0) or None
        return None

    def lock(self) -> IO[str]:
        """The folder's lock, held until the file is closed; raises when a stack runs from here."""
        handle = (self.root / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            handle.seek(0)
            pid = handle.read().strip() or "unknown"
            handle.close()
            raise StackError(
                f"A stack already runs from {self.root} (pid {pid}): stop it with "
                "`casetrail down`, or use another folder with --data."
            ) from fault
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        return handle


def write_private(path: Path, text: str) -> None:
    """Replaces a file in one step, readable by its owner only."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:  # mkstemp made it mode 600
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_private_json(path: Path, value: Any) -> None:
    """Replaces a JSON file in one step, readable by its owner only."""
    write_private(path, json.dumps(value, indent=2) + "\n")
