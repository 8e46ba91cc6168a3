"""`casetrail evidence`: the bundle of a case, fetched from the gateway into a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from casetrail_local.description import StackDescription
from casetrail_local.errors import StackError
from casetrail_local.folder import DEFAULT_FOLDER

_TIMEOUT = 120.0  # seconds: a large case takes a while to prove


def fetch(stack: StackDescription, case_id: str, disclose: str, out: Path) -> str:
    """Writes the bundle to `out` and gives the log's key; raises `StackError` with the reason."""
    headers = {"authorization": f"Bearer {stack.tokens.reviewer}"}
    part = out.with_name(f"{out.name}.part")
    try:
        with httpx.Client(
            base_url=stack.gateway_url, headers=headers, timeout=_TIMEOUT, trust_env=False
        ) as client:
            path = f"/v1/cases/{case_id}/evidence"
            with client.stream("GET", path, params={"disclose": disclose}) as answer:
                if not answer.is_success:
                    answer.read()
                    raise StackError(f"No evidence of {case_id}: {_reason(answer)}")
                with part.open("wb") as file:
                    for piece in answer.iter_bytes():
                        file.write(piece)
            part.replace(out)
            key = client.get("/log/key")
    except httpx.HTTPError as fault:
        raise StackError(f"The gateway at {stack.gateway_url} does not answer: {fault}") from fault
    except OSError as fault:
        raise StackError(f"{fault.filename}: {fault.strerror}") from fault
    finally:
        part.unlink(missing_ok=True)
    return key.text.strip() if key.is_success else ""


def evidence(
    case_id: Annotated[str, typer.Argument(help="e.g. CASE-1001")],
    out: Annotated[Path | None, typer.Option(help="the file to write")] = None,
    disclose: Annotated[
        str,
        typer.Option(
            help="public: no personal value; full: all that are still kept; or the fields to show, "
            "e.g. text,phone"
        ),
    ] = "public",
    data: Annotated[
        Path, typer.Option("--data", envvar="CASETRAIL_DATA", help="the stack's data folder")
    ] = DEFAULT_FOLDER,
) -> None:
    """Write the evidence bundle of a case: all its records, proven, in one zip to hand out."""
    stack = StackDescription.read(data.expanduser() / "stack.json")
    kind = disclose if disclose in {"public", "full"} else "chosen"
    file = out or Path(f"{case_id}-evidence-{kind}.zip")
    key = fetch(stack, case_id, disclose, file)
    console = Console()
    console.print(f"{file} ({file.stat().st_size} bytes)", markup=False, highlight=False)
    console.print(
        f"Check it: casetrail-verify bundle {file} --key '{key}'",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the gateway answers {answer.status_code}."
