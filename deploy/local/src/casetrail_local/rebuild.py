"""`casetrail audit rebuild`: the audit service's own command, with a progress bar."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from casetrail_local.description import StackDescription
from casetrail_local.identity import Identity

MODULE: Final = "casetrail_audit"


def rebuild_log(
    stack: StackDescription,
    identity: Identity,
    console: Console,
    *,
    into: str | None,
    copy_erased: bool,
) -> int:
    """The exit code of the rebuild: 0 the same, 1 differences, 2 refused, 3 a server is away."""
    command = [sys.executable, "-m", MODULE, "rebuild", "--json"]
    command += [] if into is None else ["--into", into]
    command += ["--copy-erased"] if copy_erased else []
    own = {
        "AUDIT_NATS_URL": stack.nats_url,
        "AUDIT_MONGO_URL": stack.mongo_url,
        "AUDIT_WORKSPACE_KEY": identity.workspace_key,
        "AUDIT_SIGNING_KEY": identity.signing_key,
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
            else:
                mark = Text("≠ ", "red") if told.get("difference") else Text()
                console.print(mark + Text(told["say"]), soft_wrap=True)
        return process.wait()
