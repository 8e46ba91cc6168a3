"""A command of the audit service, run on the servers of a stack, with a progress bar."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from casetrail_local.services import retention

if TYPE_CHECKING:
    from rich.console import Console

    from casetrail_local.description import StackDescription
    from casetrail_local.folder import DataFolder
    from casetrail_local.identity import Identity

MODULE: Final = "casetrail_audit"


def run_audit(
    stack: StackDescription,
    folder: DataFolder,
    identity: Identity,
    console: Console,
    *arguments: str,
) -> int:
    """The exit code of the command; what it says is printed while it runs."""
    command = [sys.executable, "-m", MODULE, *arguments, "--json"]
    own = {
        "AUDIT_NATS_URL": stack.nats_url,
        "AUDIT_MONGO_URL": stack.mongo_url,
        "AUDIT_WORKSPACE_KEY": identity.workspace_key,
        "AUDIT_SIGNING_KEY": identity.signing_key,
        **retention(folder),
    }
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with (
        subprocess.Popen(
            command, env={**os.environ, **own}, stdout=subprocess.PIPE, text=True
        ) as process,
        Progress(*columns, console=console) as progress,
    ):
        bar = progress.add_task("records", total=None)
        assert process.stdout is not None
        for line in process.stdout:
            told: dict[str, Any] = json.loads(line)
            if "of" in told:
                progress.update(bar, completed=told["done"], total=told["of"])
            elif "file" in told:
                console.print(archive_line(told), markup=False, highlight=False, soft_wrap=True)
            else:
                mark = Text("≠ ", "red") if told.get("difference") else Text()
                console.print(mark + Text(told["say"]), soft_wrap=True)
        return process.wait()


def archive_line(row: dict[str, Any]) -> str:
    """An archive in a line."""
    return (
        f"{row['file']}  {row['records']:,} records, {row['first']} to {row['last']}, "
        f"{row['bytes']:,} bytes, {row['archived_at']}  {row['state']}"
    )
