"""`casetrail export`: records written to a file, with progress; broken off, it goes on."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from casetrail_local.description import StackDescription
from casetrail_local.errors import StackError
from casetrail_local.folder import DEFAULT_FOLDER

_TIMEOUT = 60.0
_ATTEMPTS = 5
_TAIL = 1 << 20


class Form(StrEnum):
    """What a line is."""

    CSV = "csv"
    JSONL = "jsonl"
    OCSF = "ocsf"


def last_seq(file: Path, form: Form) -> int | None:
    """The sequence of the last whole line, None without one; a torn line is cut off."""
    if not file.exists() or file.stat().st_size == 0:
        return None
    with file.open("r+b") as out:
        size = out.seek(0, 2)
        out.seek(max(0, size - _TAIL))
        tail = out.read()
        ends = b"\r\n" if form is Form.CSV else b"\n"
        whole = tail.rfind(ends) + len(ends)
        if whole < len(ends):
            raise StackError(f"{file} holds no whole line: remove it, or name another file.")
        out.truncate(size - len(tail) + whole)
        line = tail[:whole].removesuffix(ends).rpartition(ends)[2]
    try:
        if form is Form.CSV:
            first = line.removeprefix(b"\xef\xbb\xbf").split(b",", 1)[0]
            return None if first == b"seq" else int(first)
        record = json.loads(line)
        return int(record["seq"] if form is Form.JSONL else record["metadata"]["sequence"])
    except (ValueError, KeyError, TypeError):
        raise StackError(f"{file} is no {form} export of ours; name another file.") from None


def fetch(
    stack: StackDescription,
    form: Form,
    filters: dict[str, str],
    out: Path,
    progress: Progress,
) -> int:
    """Writes or goes on with `out`; the sequence as of which the log is in it."""
    headers = {"authorization": f"Bearer {stack.tokens.reviewer}"}
    task = progress.add_task("waiting", total=None)
    fault: Exception | None = None
    for _ in range(_ATTEMPTS):
        after = last_seq(out, form)
        params = {"format": str(form), **filters}
        if after is not None:
            params["after"] = str(after)
        try:
            with (
                httpx.Client(
                    base_url=stack.gateway_url, headers=headers, timeout=_TIMEOUT, trust_env=False
                ) as client,
                client.stream("GET", "/v1/export", params=params) as answer,
            ):
                if not answer.is_success:
                    answer.read()
                    raise StackError(f"No export: {_reason(answer)}")
                through = int(answer.headers["x-complete-through"])
                progress.update(task, total=through, completed=after or 0, description=out.name)
                with out.open("ab") as file:
                    for piece in answer.iter_bytes():
                        file.write(piece)
                        progress.update(task, description=f"{out.name} {file.tell():,} bytes")
                progress.update(task, completed=through)
                return through
        except httpx.HTTPError as error:
            fault = error
    raise StackError(f"The export broke off ({fault}); the same command goes on with {out}.")


def export(
    out: Annotated[Path, typer.Argument(help="the file; one that is there is gone on with")],
    form: Annotated[Form, typer.Option("--format", help="what a line is")] = Form.CSV,
    q: Annotated[str | None, typer.Option(help='a search, as: action:ticket "nahi aya"')] = None,
    case: Annotated[str | None, typer.Option(help="one case, e.g. CASE-1001")] = None,
    data: Annotated[
        Path, typer.Option("--data", envvar="CASETRAIL_DATA", help="the stack's data folder")
    ] = DEFAULT_FOLDER,
) -> None:
    """Write the records of the log, or of a search, to a file; broken off, it goes on."""
    stack = StackDescription.read(data.expanduser() / "stack.json")
    given = {"q": q, "case": case}
    filters = {name: value for name, value in given.items() if value is not None}
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    console = Console()
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            through = fetch(stack, form, filters, out, progress)
    except OSError as fault:
        raise StackError(f"{fault.filename}: {fault.strerror}") from fault
    size = out.stat().st_size if out.exists() else 0
    console.print(f"{out} ({size} bytes), the log through {through}", markup=False, highlight=False)


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the gateway answers {answer.status_code}."
