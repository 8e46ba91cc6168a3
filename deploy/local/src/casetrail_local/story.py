"""The story of the demo: a parcel that never came, from the first message to the closed ticket."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import httpx
from casetrail_contracts.ids import conversation_id

from casetrail_local.description import StackDescription
from casetrail_local.errors import StackError
from casetrail_local.five_rows import COURIER_REFERENCE, NOTE_BEGINS
from casetrail_local.gateway import Gateway, Json, Refused
from casetrail_local.identity import PEOPLE, Identity
from casetrail_local.progress import Steps
from casetrail_local.waiting import until
from casetrail_local.whatsapp import Customer, post_webhook, text_webhook

RESOLUTION = f"{NOTE_BEGINS} at the wrong depot; delivered today and confirmed by phone."


@dataclass(frozen=True)
class Told:
    """What a played story left in the log."""

    case_id: str
    ticket_id: str
    case: Json
    timeline: Json


class Story:
    """Plays the story once against a running stack, as the people of the support team."""

    def __init__(self, stack: StackDescription, identity: Identity, steps: Steps) -> None:
        """Nothing is sent yet."""
        self._stack = stack
        self._identity = identity
        self._steps = steps

    def play(self) -> Told:
        """The case with its ticket, and its timeline as the reviewer reads it."""
        customer = Customer.new()
        with self._as("lead") as lead, self._as("agent") as agent, self._as("reviewer") as reviewer:
            self._open_the_shop()
            with self._steps.step("a customer asks for the parcel on WhatsApp"):
                self._write(
                    customer,
                    f"Assalam o alaikum, order {customer.order} ka status bata dein please",
                )
                case_id = self._case_of(reviewer, customer)
            with self._steps.step(f"{case_id}: the shared inbox finds an owner"):
                self._until_seen(reviewer, case_id, "conversation.assigned")
            with self._steps.step(f"{case_id}: the customer complains"):
                self._write(
                    customer,
                    "Mera parcel nahi aya, 5 din ho gaye. Koi jawab nahi deta, "
                    "ye to bilkul ghalat hai",
                )
                self._until_seen(reviewer, case_id, "conversation.escalated")
            ticket_id = self._work_the_ticket(agent, case_id)
            with self._steps.step(f"{case_id}: Agent A closes the case"):
                agent.post(f"/v1/cases/{case_id}/close", {"reason": "parcel delivered"})
            with self._steps.step("the reviewer opens the history of the case"):
                timeline = self._complete_timeline(reviewer, case_id)
            case = lead.get(f"/v1/cases/{case_id}")
        return Told(case_id, ticket_id, case, timeline)

    @contextlib.contextmanager
    def _as(self, role: str) -> Iterator[Gateway]:
        with Gateway(self._stack.gateway_url, getattr(self._stack.tokens, role)) as gateway:
            yield gateway

    def _open_the_shop(self) -> None:
        person, name = PEOPLE["agent"]
        with self._steps.step(f"{name} goes on shift"), self._as("admin") as admin:
            user = {"id": person, "name": name, "role": "agent", "capacity": 100}
            with _already_done():
                admin.post("/v1/users", user)
            with _already_done():
                admin.post(f"/v1/users/{person}/shift/start")

    def _write(self, customer: Customer, text: str) -> None:
        post_webhook(self._stack, text_webhook(self._stack, customer, text))

    def _case_of(self, reader: Gateway, customer: Customer) -> str:
        key = self._identity.workspace_key.encode()
        wanted = conversation_id(key, self._stack.phone_number_id, customer.phone)

        def find() -> str | None:
            cursor: str | None = None
            while True:
                page = reader.get("/v1/cases", limit=100, cursor=cursor)
                for case in page["items"]:
                    if case.get("conversation_id") == wanted:
                        return str(case["case_id"])
                cursor = page.get("next_cursor")
                if cursor is None:
                    return None

        return until(find, what="the case of the customer's first message")

    def _work_the_ticket(self, agent: Gateway, case_id: str) -> str:
        with self._steps.step(f"{case_id}: Agent A opens a ticket"):
            title = "Parcel not delivered after 5 days"
            made = agent.post(
                f"/v1/cases/{case_id}/tickets",
                {"title": title, "priority": "high", "category": "delivery"},
            )
            ticket_id = _ticket_id(made)
            path = f"/v1/tickets/{ticket_id}"
            until(lambda: _if_shown(agent, path), what=f"{ticket_id} in the log")
        with self._steps.step(f"{ticket_id}: In Progress, then handed to the courier"):
            agent.post(f"{path}/status", {"status": "in_progress"})
            expected = datetime.now(UTC) + timedelta(days=1)
            agent.post(
                f"{path}/handoff",
                {
                    "to": "courier",
                    "reference": COURIER_REFERENCE,
                    "expected_at": expected.isoformat(timespec="seconds"),
                },
            )
        with self._steps.step(f"{ticket_id}: closing without a resolution note is refused"):
            refusal = _refusal_of_closing(agent, path)
        self._steps.say(f"      the gateway says: {refusal}")
        with self._steps.step(f"{ticket_id}: resolved with a note, then closed"):
            agent.post(f"{path}/resolve", {"note": RESOLUTION})
            agent.post(f"{path}/close")
        return ticket_id

    def _until_seen(self, reader: Gateway, case_id: str, action: str) -> None:
        def seen() -> Json | None:
            entries = reader.get(f"/v1/cases/{case_id}/timeline", limit=200)["entries"]
            return next((entry for entry in entries if entry["action"] == action), None)

        until(seen, what=f"{action} in the history of {case_id}")

    def _complete_timeline(self, reader: Gateway, case_id: str) -> Json:
        def complete() -> Json | None:
            timeline = reader.get(f"/v1/cases/{case_id}/timeline", limit=200)
            closed = any(entry["action"] == "conversation.closed" for entry in timeline["entries"])
            return timeline if closed else None

        return until(complete, what=f"the end of the history of {case_id}")


@contextlib.contextmanager
def _already_done() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        if refused.problem.status != httpx.codes.CONFLICT:
            raise


def _if_shown(reader: Gateway, path: str) -> Json | None:
    """What the gateway shows; None while the log has not told of it yet."""
    try:
        return reader.get(path)
    except Refused as refused:
        if refused.problem.status != HTTPStatus.NOT_FOUND:
            raise
        return None


def _ticket_id(made: Json) -> str:
    found = made.get("ticket_id") or made.get("result", {}).get("ticket_id")
    if not isinstance(found, str):
        raise StackError(f"The gateway made a ticket without saying its number: {made}")
    return found


def _refusal_of_closing(agent: Gateway, path: str) -> str:
    try:
        agent.post(f"{path}/close")
    except Refused as refused:
        if refused.problem.status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise
        return refused.problem.detail
    raise StackError(
        "A ticket was closed without a resolution note: the rule that refuses it is broken."
    )
