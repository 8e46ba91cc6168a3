"""`python -m casetrail_runtime.nats_users keys FOLDER`: keys for the users of NATS."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from casetrail_runtime.nats_users.config import KEYS_FILE, keys_conf, users_conf
from casetrail_runtime.nats_users.permissions import users
from casetrail_runtime.nkeys import NotAnNkey, UserKey

REFUSED: Final = 2


def make_keys(folder: Path) -> dict[str, str]:
    """The public key of each user; its seed is in FOLDER/NAME.nk (mode 600), kept if it is there.

    Raises:
        NotAnNkey: a file that is there holds no seed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return {user.name: _kept_or_made(folder / f"{user.name}.nk").public for user in users()}


def _kept_or_made(path: Path) -> UserKey:
    try:
        return UserKey.from_seed(path.read_text("ascii"))
    except FileNotFoundError:
        key = UserKey.new()
    except (NotAnNkey, UnicodeDecodeError) as fault:
        raise NotAnNkey(f"{path} {fault}: restore it, or remove it to have a new one") from None
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{key.seed}\n")
    return key


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m casetrail_runtime.nats_users",
        description="Makes a key for each user of NATS that has none yet in FOLDER, and writes "
        f"{KEYS_FILE} (the public keys) and users.conf (what each may) beside them.",
    )
    parser.add_argument("action", choices=["keys"])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(argv)
    try:
        public = make_keys(options.folder)
    except (NotAnNkey, OSError) as fault:
        print(fault, file=sys.stderr)  # noqa: T201 - a command
        return REFUSED
    (options.folder / KEYS_FILE).write_text(keys_conf(public), encoding="utf-8")
    (options.folder / "users.conf").write_text(users_conf(), encoding="utf-8")
    print(f"{len(public)} users: {', '.join(public)}")  # noqa: T201 - a command
    return 0


if __name__ == "__main__":
    sys.exit(main())
