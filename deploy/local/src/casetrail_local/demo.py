"""`casetrail demo`: the story on a real stack, its timeline, and the door to the console."""

from __future__ import annotations

from rich.console import Console
from rich.panel import Panel

from casetrail_local.description import StackDescription
from casetrail_local.five_rows import missing_rows
from casetrail_local.identity import PEOPLE, Identity
from casetrail_local.progress import Steps
from casetrail_local.story import Story
from casetrail_local.tables import facts_table, timeline_table


def show_story(stack: StackDescription, identity: Identity, console: Console) -> int:
    """0 when the timeline tells the whole story, 1 when something is missing; both are printed."""
    steps = Steps(console)
    steps.say("\nThe story: a parcel that never came")
    told = Story(stack, identity, steps).play()
    console.print()
    console.print(timeline_table(told.timeline, f"{told.case_id} · who did what, when"))
    complete = told.timeline.get("complete_through")
    if complete is not None:
        steps.say(f"The log is complete through record {complete}.")
    lacking = missing_rows(told.timeline, told.ticket_id)
    if not lacking:
        steps.say("All five rows of the story are in the record.")
        return 0
    steps.say("The record does not tell the whole story. Missing:")
    for what in lacking:
        steps.say(f"  - {what}")
    return 1


def show_door(stack: StackDescription, console: Console) -> None:
    """The console's address and a login, and how to end."""
    _, name = PEOPLE["reviewer"]
    facts = {
        "console": f"{stack.gateway_url}/",
        "read as": f"{name}, with this token",
        "token": stack.tokens.reviewer,
        "API": f"{stack.gateway_url}/docs",
    }
    console.print()
    console.print(Panel.fit(facts_table(facts), title="Casetrail is up · Ctrl-C ends it"))
