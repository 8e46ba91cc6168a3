"""The `casetrail` command."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from casetrail_local import dead_letters
from casetrail_local.audit_command import run_audit
from casetrail_local.clocks import clocks_report
from casetrail_local.demo import show_door, show_story
from casetrail_local.description import StackDescription
from casetrail_local.errors import StackError
from casetrail_local.evidence import evidence
from casetrail_local.exporting import export
from casetrail_local.folder import DEFAULT_FOLDER, DataFolder
from casetrail_local.gateway import Gateway
from casetrail_local.health import process_rows
from casetrail_local.identity import load_or_make
from casetrail_local.jetstream import connected, records_from, records_from_now
from casetrail_local.progress import Steps
from casetrail_local.rebuild import rebuild_log
from casetrail_local.running import run_stack
from casetrail_local.stack import Stack, StackOptions
from casetrail_local.tables import facts_table, record_line, timeline_table
from casetrail_local.waiting import until

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Casetrail on this machine.")
case_app = typer.Typer(no_args_is_help=True, help="Read cases.")
audit_app = typer.Typer(no_args_is_help=True, help="Look at the log itself.")
dead_app = typer.Typer(no_args_is_help=True, help="Messages that were set aside.")
app.add_typer(case_app, name="case")
app.add_typer(audit_app, name="audit")
app.add_typer(dead_app, name="dead")
app.command()(evidence)
app.command()(export)

Data = Annotated[
    Path, typer.Option("--data", envvar="CASETRAIL_DATA", help="the stack's data folder")
]
PortBase = Annotated[
    int | None,
    typer.Option(
        help="gateway on this port, then ingest, routing, tickets, audit, NATS, MongoDB on the next"
    ),
]
MongoUrl = Annotated[
    str | None, typer.Option(help="use this MongoDB replica set instead of starting one")
]
NatsUrl = Annotated[str | None, typer.Option(help="use this NATS server instead of starting one")]

# A file or a pipe has no width of its own, and 80 columns break every second line of a history.
console = Console(width=None if sys.stdout.isatty() else 120)


@app.command()
def up(
    data: Data = DEFAULT_FOLDER,
    port_base: PortBase = None,
    mongo_url: MongoUrl = None,
    nats_url: NatsUrl = None,
) -> None:
    """Start NATS, MongoDB and the five services, and keep them up until Ctrl-C."""

    def stay(stack: Stack) -> int:
        show_door(stack.description, console)
        stack.wait()
        return 0

    options = StackOptions(data, port_base, mongo_url, nats_url)
    Steps(console).say(f"Casetrail, data in {data}")
    raise typer.Exit(run_stack(options, console, stay))


@app.command()
def demo(
    data: Data = DEFAULT_FOLDER,
    port_base: PortBase = None,
    mongo_url: MongoUrl = None,
    nats_url: NatsUrl = None,
    *,
    leave: Annotated[
        bool, typer.Option("--exit", help="end after the story, with exit code 0 or 1")
    ] = False,
) -> None:
    """Play the story of a lost parcel on a real stack, and show what the record says."""

    def play(stack: Stack) -> int:
        code = show_story(stack.description, load_or_make(stack.folder), console)
        if not leave:
            show_door(stack.description, console)
            stack.wait()
        return code

    folder = DataFolder.at(data)
    if folder.locked:
        Steps(console).say(f"A stack runs from {folder.root} already: the story plays there.")
        running = StackDescription.read(folder.description)
        raise typer.Exit(show_story(running, load_or_make(folder), console))
    options = StackOptions(data, port_base, mongo_url, nats_url)
    Steps(console).say(f"Casetrail demo, data in {data}")
    raise typer.Exit(run_stack(options, console, play))


@app.command()
def down(data: Data = DEFAULT_FOLDER) -> None:
    """Stop the stack that runs from the data folder."""
    folder = DataFolder.at(data)
    pid = folder.holder
    if pid is None:
        raise StackError(f"No stack runs from {folder.root}.")
    os.kill(pid, signal.SIGTERM)
    with Steps(console).step("stopping the stack"):
        until(lambda: None if folder.locked else True, what="the stack to stop", within=90.0)


@app.command()
def status(data: Data = DEFAULT_FOLDER) -> None:
    """Show the stack's processes, their addresses and their health."""
    table = Table("process", "pid", "address", "health", box=None, padding=(0, 2, 0, 0))
    healthy = True
    for row in process_rows(_running(data), DataFolder.at(data).addresses):
        healthy = healthy and row.healthy
        colour = "green" if row.healthy else "red"
        table.add_row(row.name, row.pid, row.address, f"[{colour}]{row.health}[/{colour}]")
    console.print(table)
    raise typer.Exit(0 if healthy else 1)


@case_app.command("show")
def case_show(case_id: str, data: Data = DEFAULT_FOLDER) -> None:
    """Print the history of one case, as the reviewer reads it."""
    stack = _running(data)
    with Gateway(stack.gateway_url, stack.tokens.reviewer) as reviewer:
        timeline = reviewer.get(f"/v1/cases/{case_id}/timeline", limit=200)
        pages = [timeline]
        while pages[-1].get("next_cursor"):
            after = pages[-1]["next_cursor"]
            pages.append(reviewer.get(f"/v1/cases/{case_id}/timeline", limit=200, after=after))
    timeline["entries"] = [entry for page in pages for entry in page["entries"]]
    console.print(timeline_table(timeline, f"{case_id} · who did what, when"))
    for hole in timeline.get("holes") or ():
        console.print(f"hole: {hole}", markup=False)


@case_app.command("clocks")
def case_clocks(case_id: str, data: Data = DEFAULT_FOLDER) -> None:
    """Recompute the clocks of a case's tickets from the log, and compare them with its events."""
    stack = _running(data)
    with Gateway(stack.gateway_url, stack.tokens.reviewer) as reviewer:
        answer = reviewer.get(f"/v1/cases/{case_id}")
    table, verdict, agrees = clocks_report(answer)
    console.print(table)
    console.print(verdict, markup=False, soft_wrap=True)
    raise typer.Exit(0 if agrees else 1)


@app.command()
def tail(
    data: Data = DEFAULT_FOLDER,
    start: Annotated[
        int | None,
        typer.Option("--from", min=1, help="first record, by its seq; default: from now"),
    ] = None,
) -> None:
    """Print records as they are stored, until Ctrl-C."""
    url = _running(data).nats_url

    async def follow() -> None:
        async with connected(url) as stream:
            records = records_from_now(stream) if start is None else records_from(stream, start)
            async for record in records:
                console.print(record_line(record), markup=False, highlight=False, soft_wrap=True)

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(follow())


@audit_app.command("status")
def audit_status(data: Data = DEFAULT_FOLDER) -> None:
    """Show how far the log is complete, and what it lacks."""
    stack = _running(data)
    with Gateway(stack.gateway_url, stack.tokens.reviewer) as reviewer:
        console.print(facts_table(reviewer.get("/v1/log/status")))


@audit_app.command("rebuild")
def audit_rebuild(
    data: Data = DEFAULT_FOLDER,
    into: Annotated[
        str | None,
        typer.Option(help="write into this database, then compare it with the running log"),
    ] = None,
    *,
    copy_erased: Annotated[
        bool,
        typer.Option(
            "--copy-erased",
            help="take records whose message the stream no longer has from the running log",
        ),
    ] = False,
) -> None:
    """Make the log anew from the stream, in an empty database; killed, it goes on."""
    folder = DataFolder.at(data)
    raise typer.Exit(
        rebuild_log(
            _running(data),
            folder,
            load_or_make(folder),
            console,
            into=into,
            copy_erased=copy_erased,
        )
    )


@audit_app.command("archive")
def audit_archive(
    data: Data = DEFAULT_FOLDER,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what is due")] = False,
) -> None:
    """Let records go that are due under retention.yaml of the data folder, into archives."""
    folder = DataFolder.at(data)
    options = ["--dry-run"] if dry_run else []
    raise typer.Exit(
        run_audit(_running(data), folder, load_or_make(folder), console, "archive", *options)
    )


@audit_app.command("archives")
def audit_archives(
    data: Data = DEFAULT_FOLDER,
    *,
    check: Annotated[bool, typer.Option("--check", help="recompute each file as well")] = False,
) -> None:
    """List the archives that the log tells of, and whether each is there."""
    folder = DataFolder.at(data)
    options = ["--check"] if check else []
    raise typer.Exit(
        run_audit(_running(data), folder, load_or_make(folder), console, "archives", *options)
    )


@dead_app.command("list")
def dead_list(
    data: Data = DEFAULT_FOLDER,
    first: Annotated[int, typer.Option(min=1, help="from this sequence of DEAD on")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
) -> None:
    """List the messages that were set aside, and why."""
    url = _running(data).nats_url

    async def ask() -> list[dead_letters.DeadLetter]:
        async with connected(url) as stream:
            return await dead_letters.letters(stream, first, limit)

    table = Table("seq", "set aside by", "came from", "reason", box=None, padding=(0, 2, 0, 0))
    found = asyncio.run(ask())
    for letter in found:
        table.add_row(str(letter.seq), letter.subject, letter.origin, letter.reason)
    console.print(table if found else "Nothing is set aside.")


@dead_app.command("replay")
def dead_replay(
    seqs: Annotated[list[int], typer.Argument(min=1, help="sequences of DEAD, see `dead list`")],
    data: Data = DEFAULT_FOLDER,
) -> None:
    """Send messages again that were set aside, byte for byte, to the subject they first had."""
    url = _running(data).nats_url

    async def send() -> int:
        unsent = 0
        async with connected(url) as stream:
            for seq in seqs:
                found = await dead_letters.letters(stream, seq, 1)
                if not found or found[0].seq != seq:
                    outcome = "not sent: DEAD has no such message"
                else:
                    outcome = await dead_letters.replay(stream, found[0])
                unsent += outcome.startswith("not sent")
                console.print(f"{seq}: {outcome}", markup=False, highlight=False)
        return unsent

    raise typer.Exit(1 if asyncio.run(send()) else 0)


def _running(data: Path) -> StackDescription:
    return StackDescription.read(data.expanduser() / "stack.json")


def main() -> None:
    """Runs the command line; a fault is one sentence on stderr and exit code 1."""
    try:
        app()
    except StackError as fault:
        Console(stderr=True).print(
            f"casetrail: {fault}", markup=False, highlight=False, soft_wrap=True
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
