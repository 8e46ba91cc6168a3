"""`casetrail audit rebuild`: the audit service's own command, with a progress bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casetrail_local.audit_command import run_audit

if TYPE_CHECKING:
    from rich.console import Console

    from casetrail_local.description import StackDescription
    from casetrail_local.folder import DataFolder
    from casetrail_local.identity import Identity


def rebuild_log(
    stack: StackDescription,
    folder: DataFolder,
    identity: Identity,
    console: Console,
    *,
    into: str | None,
    copy_erased: bool,
) -> int:
    """The exit code of the rebuild: 0 the same, 1 differences, 2 refused, 3 a server is away."""
    options = [] if into is None else ["--into", into]
    options += ["--copy-erased"] if copy_erased else []
    return run_audit(stack, folder, identity, console, "rebuild", *options)
