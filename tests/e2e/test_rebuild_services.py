"""MongoDB is lost and the log is not: what routing and tickets knew is made again."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from casetrail_local.description import StackDescription
from casetrail_local.folder import DataFolder
from casetrail_local.gateway import Gateway, Refused
from casetrail_local.identity import load_or_make
from casetrail_local.progress import Steps
from casetrail_local.servers import MongoServer, NatsServer
from casetrail_local.services import database_url, retention
from casetrail_local.stack import Stack, StackOptions
from casetrail_local.story import Story
from casetrail_local.waiting import until
from casetrail_local.whatsapp import Customer, post_webhook, text_webhook
from pymongo import MongoClient
from rich.console import Console

from tests.e2e.conftest import free_ports
from tests.simulation.house import LEVELS

Documents = Mapping[str, Mapping[str, Any]]
ROUTING, TICKETS = "casetrail_routing", "casetrail_tickets"
OPENED = "casetrail.conversation.opened.v1"
KEY = {"idempotency-key": "the-same-note"}


class House:
    """Servers that stay, and a stack on them that comes and goes."""

    def __init__(self, folder: Path, mongo: MongoServer, nats: NatsServer) -> None:
        self.folder = folder
        self._mongo = mongo
        self._nats = nats
        self.client: MongoClient[dict[str, Any]] = MongoClient(mongo.url, tz_aware=True)

    @contextmanager
    def stack(self) -> Iterator["Desk"]:
        """The five services, ready."""
        options = StackOptions(
            self.folder, free_ports(), mongo_url=self._mongo.url, nats_url=self._nats.url
        )
        steps = Steps(Console(quiet=True))
        with Stack(options, steps) as stack:
            yield Desk(stack.description, self.folder, steps)

    def documents(self, database: str, collection: str) -> dict[str, dict[str, Any]]:
        """Everything in a collection, by id."""
        return {each["_id"]: each for each in self.client[database][collection].find()}

    def run(self, service: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of a service, as an operator runs it."""
        prefix, folder = service.upper(), DataFolder.at(self.folder)
        identity = load_or_make(folder)
        own = {
            f"{prefix}_NATS_URL": self._nats.url,
            f"{prefix}_MONGO_URL": database_url(self._mongo.url, f"casetrail_{service}"),
            f"{prefix}_WORKSPACE_KEY": identity.workspace_key,
        }
        if service == "audit":
            own |= {"AUDIT_SIGNING_KEY": identity.signing_key, **retention(folder)}
        return subprocess.run(
            [sys.executable, "-m", f"casetrail_{service}", *arguments],
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            check=False,
        )


class Desk:
    """What people do on a stack."""

    def __init__(self, stack: StackDescription, folder: Path, steps: Steps) -> None:
        self.stack = stack
        self._folder = folder
        self._steps = steps

    def play(self) -> str:
        """The story of a parcel; the number of its case."""
        identity = load_or_make(DataFolder.at(self._folder))
        return Story(self.stack, identity, self._steps).play().case_id

    def as_(self, role: str) -> Gateway:
        """Somebody with a role."""
        return Gateway(self.stack.gateway_url, getattr(self.stack.tokens, role))

    def writes(self, customer: Customer, text: str) -> str:
        """A new customer writes; the number of the case that begins with it."""
        with self.as_("lead") as lead:
            known = self.cases(lead)
            post_webhook(self.stack, text_webhook(self.stack, customer, text))
            (new,) = until(lambda: self.cases(lead) - known or None, what="the new case")
        return new

    def cases(self, reader: Gateway) -> set[str]:
        """The numbers of all."""
        return {case["case_id"] for case in reader.get("/v1/cases", limit=100)["items"]}

    def note(self, case_id: str) -> httpx.Response:
        """The same note by the same key, however often it is sent."""
        return httpx.post(
            f"{self.stack.gateway_url}/v1/cases/{case_id}/notes",
            json={"note": "the courier was asked"},
            headers={"authorization": f"Bearer {self.stack.tokens.lead}", **KEY},
            timeout=30,
            trust_env=False,
        )

    def settled(self) -> None:
        """Everything in the stream is in the log, and nothing more comes."""
        with self.as_("reviewer") as reviewer:
            until(lambda: self._complete(reviewer), what="a complete log")
            time.sleep(3)  # what the services still had in hand
            until(lambda: self._complete(reviewer), what="a complete log")

    @staticmethod
    def _complete(reviewer: Gateway) -> bool | None:
        return True if reviewer.get("/v1/log/status")["lag"] == 0 else None


def busy_day(desk: Desk) -> tuple[str, str]:
    """Closed cases, and an open one with an open ticket, tags, a link and a refusal behind it."""
    desk.play()
    phone, another = Customer.new(), Customer.new()
    open_case = desk.writes(phone, "Assalam o alaikum, size chart bhej dein")
    other = desk.writes(another, "it is me from my other phone")
    with desk.as_("lead") as lead:
        lead.post(f"/v1/cases/{open_case}/tags", {"add": ["vip", "size"]})
        lead.post(f"/v1/cases/{open_case}/tags", {"remove": ["size"]})
        lead.post(f"/v1/cases/{other}/link", {"into_case_id": open_case, "reason": "same person"})
        body = {"title": "Which size?", "priority": "urgent"}
        made = lead.post(f"/v1/cases/{open_case}/tickets", body)
        ticket = str(made["ticket_id"])
        path = f"/v1/tickets/{ticket}"
        until(lambda: _seen(lead, path), what=f"{ticket} in the log")
        lead.post(f"{path}/status", {"status": "in_progress"})
        lead.post(f"{path}/handoff", {"to": "tcs", "reference": "TCS-1"})
        lead.post(f"{path}/chase", {"expected_at": "2026-12-24T12:00:00Z"})
        lead.post(f"{path}/notes", {"note": "they promised"})
        with pytest.raises(Refused):
            lead.post(f"{path}/close")
        lead.post(f"/v1/cases/{open_case}/escalate", {"reason": "she waits"})
    time.sleep(1.1)  # WhatsApp's times are whole seconds
    for number in (phone, another):  # which the clocks of the ticket hear, here and there
        webhook = text_webhook(desk.stack, number, "koi jawab?")
        post_webhook(desk.stack, webhook)
    assert desk.note(open_case).status_code == httpx.codes.CREATED
    desk.writes(Customer.new(), "parcel kahan hai?")
    desk.settled()
    return open_case, ticket


def _seen(reader: Gateway, path: str) -> dict[str, Any] | None:
    try:
        return dict(reader.get(path))
    except Refused:
        return None


def same_aggregates(before: Documents, after: Documents, *ignored: str) -> None:
    """Version and state of each, and every cause that led to an event of it."""
    assert after.keys() == before.keys()
    for id_, was in before.items():
        now = after[id_]
        assert now["version"] == was["version"], id_
        fields = was["state"].keys() - set(ignored)
        assert {name: now["state"][name] for name in fields} == {
            name: was["state"][name] for name in fields
        }, id_
        assert {each["id"] for each in now["applied"]} <= {each["id"] for each in was["applied"]}
        assert now["outbox"] == []


def waits(found: Mapping[tuple[str, str], Documents]) -> dict[str, tuple[Any, ...]]:
    """What was heard where somebody is served, and since when they wait.

    In a conversation that is led elsewhere it does not matter; two messages of one second have no
    order.
    """
    served = {
        id_
        for id_, each in found[ROUTING, "conversations"].items()
        if each["state"]["linked_to"] is None
    }
    return {
        id_: (
            {message["id"] for message in each["heard"]},
            each.get("answered_at"),
            each["unanswered_since"],
        )
        for id_, each in found[ROUTING, "memories"].items()
        if id_ in served
    }


@pytest.mark.stack
def test_what_was_lost_is_made_again_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INVARIANT I5: state == fold of the log, and nothing else is needed to go on."""
    monkeypatch.setenv("TICKETS_SERVICE_LEVELS_FILE", str(LEVELS))
    with MongoServer(tmp_path / "mongo") as mongo, NatsServer(tmp_path / "nats") as nats:
        house = House(tmp_path / "data", mongo, nats)
        with house.stack() as desk:
            open_case, ticket = busy_day(desk)
        names = {
            ROUTING: ["conversations", "users", "numbers", "identities", "memories", "activity"],
            TICKETS: ["tickets", "numbers", "contexts", "people", "links", "case_tags"],
        }
        before = {
            (database, name): house.documents(database, name)
            for database, collections in names.items()
            for name in collections
        }
        events = tmp_path / "events.jsonl"
        told = house.run("audit", "events", "--out", str(events))
        assert told.returncode == 0, told.stderr
        assert events.stat().st_mode & 0o077 == 0, "what people wrote is its owner's alone"
        for service in ("routing", "tickets"):
            refused = house.run(service, "rebuild", str(events))
            assert refused.returncode == 2, refused.stderr
            assert "is not empty" in refused.stderr
            house.client.drop_database(f"casetrail_{service}")
            made = house.run(service, "rebuild", str(events))
            assert made.returncode == 0, made.stderr
            again = house.run(service, "rebuild", str(events))
            assert again.returncode == 2, again.stderr
            assert "was made again at" in again.stderr
        after = {place: house.documents(*place) for place in before}
        what_never_reached_the_stream(house, events)
        same_aggregates(before[ROUTING, "conversations"], after[ROUTING, "conversations"])
        same_aggregates(before[ROUTING, "users"], after[ROUTING, "users"])
        same_aggregates(before[TICKETS, "tickets"], after[TICKETS, "tickets"], "hand_off")
        said = before[TICKETS, "tickets"][f"main:{ticket}"]["state"]["levels"]["said"]
        assert len(said) == 2, said
        assert waits(after) == waits(before)
        for place, was in before.items():
            if place[1] not in {"conversations", "users", "tickets", "memories"}:
                assert after[place].keys() == was.keys(), place
                assert [after[place][id_] for id_ in was] == list(was.values()), place
        with house.stack() as desk:
            goes_on(desk, house, open_case, ticket)


def what_never_reached_the_stream(house: House, events: Path) -> None:
    """The newest case as if it had died in an outbox: its customer has one all the same."""
    *lines, end = [json.loads(line) for line in events.read_text("utf-8").splitlines()]
    opened = [each["event"] for each in lines if each["event"]["type"] == OPENED]
    lost = opened[-1]["subject"]
    left = [each for each in lines if each["event"]["subject"] != lost]
    shorter = events.with_name("shorter.jsonl")
    cut_off = "".join(f"{json.dumps(each)}\n" for each in left)
    shorter.write_text(cut_off, encoding="utf-8")
    house.client.drop_database(ROUTING)
    made = house.run("routing", "rebuild", str(shorter))
    assert made.returncode == 2, made.stdout
    assert "in the middle: they were cut off" in made.stderr
    house.client.drop_database(ROUTING)
    end = json.dumps({**end, "events": len(left)})
    shorter.write_text(f"{cut_off}{end}\n", encoding="utf-8")
    made = house.run("routing", "rebuild", str(shorter))
    assert made.returncode == 0, made.stderr
    assert "1 messages routed late" in made.stdout
    id_ = f"main:{lost.partition('/')[2]}"
    again = house.documents(ROUTING, "conversations")[id_]
    assert again["state"]["case_id"] == opened[-1]["caseid"], "the same number, by the same cause"
    (agent,) = house.documents(ROUTING, "users").values()
    assert (again["state"]["status"], again["state"]["owner"]) == (
        "open",
        agent["state"]["user_id"],
    )
    assert len(again["outbox"]) == again["version"]
    assert [one["id"] for one in again["outbox"]][:1] == [opened[-1]["id"]], "known as a copy"
    house.client.drop_database(ROUTING)
    assert house.run("routing", "rebuild", str(events)).returncode == 0


def goes_on(desk: Desk, house: House, open_case: str, ticket: str) -> None:
    """Work goes on where it was: the same numbers, owners and places, and nothing twice."""
    with desk.as_("lead") as lead:
        before = lead.get(f"/v1/cases/{open_case}/timeline", limit=200)["entries"]
        assert desk.note(open_case).status_code == httpx.codes.CREATED
        new = desk.writes(Customer.new(), "salam")
        assert _number(new) == max(_number(case) for case in desk.cases(lead))
        lead.post(f"/v1/tickets/{ticket}/resolve", {"note": "size M"})
        lead.post(f"/v1/cases/{open_case}/close", {"reason": "answered"})
        desk.settled()
        after = lead.get(f"/v1/cases/{open_case}/timeline", limit=200)
    assert after["holes"] == []
    notes = [entry for entry in after["entries"] if entry["action"] == "conversation.note_added"]
    assert len(notes) == sum(entry["action"] == "conversation.note_added" for entry in before)

    def places() -> bool | None:
        (user,) = house.documents(ROUTING, "users").values()
        held = [
            each["_id"].partition(":")[2]
            for each in house.documents(ROUTING, "conversations").values()
            if each["state"]["held"]
        ]
        taken = [slot["conversation_id"] for slot in user["slots"]]
        return True if sorted(taken) == sorted(held) else None

    until(places, what="a place for every case that somebody has, and for no other")


def _number(case_id: str) -> int:
    return int(case_id.removeprefix("CASE-"))


@pytest.mark.servers
def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    """By its line; nothing is made, and the right file is taken afterwards."""
    with MongoServer(tmp_path / "mongo") as mongo, NatsServer(tmp_path / "nats") as nats:
        house = House(tmp_path / "data", mongo, nats)
        file = tmp_path / "events.jsonl"
        wrong = {
            "no event\n": "Line 1 is no event",
            json.dumps({"seq": 2, "event": {}}) + "\n" + json.dumps({"seq": 2, "event": {}}): (
                "Line 2 is out of order"
            ),
            json.dumps({"through": 9, "events": 3}): "3 events were written, and 0 are here",
            "": "they were cut off",
        }
        for text, sentence in wrong.items():
            file.write_text(text)
            done = house.run("tickets", "rebuild", str(file))
            assert done.returncode == 2
            assert sentence in done.stderr
        missing = house.run("routing", "rebuild", str(tmp_path / "nothing"))
        assert (missing.returncode, "cannot be read" in missing.stderr) == (2, True)
        none = house.run("audit", "events")
        assert (none.returncode, "There is no log" in none.stderr) == (2, True)
