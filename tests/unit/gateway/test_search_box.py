"""The search box: what is understood, what is said of what is not, and what is found."""

from datetime import UTC, datetime

import pytest
from casetrail_contracts.words import folded, words_of
from casetrail_gateway.domain.errors import QueryNotUnderstood
from casetrail_gateway.domain.log import CaseFilter, RecordFilter
from casetrail_gateway.domain.search import Words, cases_asked, records_asked
from casetrail_routing.domain.spelling import spelled
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.gateway.story import CV, PHONE
from tests.unit.gateway.world import World

CONTRACT = 'agent:a escalated:yes ticket:T-1001 "parcel never came" from:2026-11-20'


def test_the_line_of_the_contract() -> None:
    """Filters, a phrase and a day, each part with its place in the line."""
    search = cases_asked(CONTRACT, CaseFilter())
    assert search.wanted == CaseFilter(
        owner="agent:a",
        escalated=True,
        ticket_id="T-1001",
        opened_from=datetime(2026, 11, 20, tzinfo=UTC),
    )
    assert search.words == Words(("parcel never", "never came"))
    assert [(p.kind, p.key, p.value) for p in search.parts] == [
        ("filter", "agent", "a"),
        ("filter", "escalated", "yes"),
        ("filter", "ticket", "T-1001"),
        ("phrase", "words", "parcel never came"),
        ("filter", "from", "2026-11-20"),
    ]
    assert all(CONTRACT[part.start : part.end] == part.text for part in search.parts)


@pytest.mark.parametrize(
    ("line", "at", "words"),
    [
        ('agent:a "never', 8, "has no end"),
        ("escalated:maybe", 0, "neither yes nor no"),
        ("a colour:red", 2, "is not known here"),
        ("agent:", 0, "needs a value"),
        ("ticket:T-1 ticket:T-2", 11, "two"),
        ("from:yesterday", 0, "is no time"),
        ("from:2026-11-22T10:00:00", 0, "with its zone"),
        ("x*", 0, "at least two letters"),
        ("!!!", 0, "no letter"),
        ('""', 0, "nothing in this quotation"),
        ("+12", 0, "is no number"),
        ("customer:cv_$ne", 0, "is no number"),
        ("a " * 30, 48, "at most 24"),
    ],
)
def test_what_is_not_understood_says_where(line: str, at: int, words: str) -> None:
    """The error names the character and says what would be understood."""
    with pytest.raises(QueryNotUnderstood) as caught:
        cases_asked(line, CaseFilter())
    assert caught.value.at == at
    assert words in caught.value.detail or words == "two"


@example('key:"')
@given(st.text(max_size=60))
def test_any_line_is_read_or_refused(line: str) -> None:
    """No line breaks the reader, and every part stands where it says."""
    for ask in (
        lambda text: cases_asked(text, CaseFilter()),
        lambda text: records_asked(text, RecordFilter()),
    ):
        try:
            parts = ask(line).parts
        except QueryNotUnderstood as fault:
            places = [fault.at or 0]
        else:
            places = [part.start for part in parts]
            assert all(line[part.start : part.end] == part.text for part in parts)
        assert all(0 <= place <= len(line) for place in places)


def test_a_filter_beside_the_box_must_agree() -> None:
    """The same value twice is one, two values are refused; tags add up."""
    assert cases_asked("T-1", CaseFilter(ticket_id="T-1")).wanted.ticket_id == "T-1"
    with pytest.raises(QueryNotUnderstood):
        cases_asked("T-1", CaseFilter(ticket_id="T-2"))
    assert cases_asked("tag:a tag:b", CaseFilter(tags=("c",))).wanted.tags == ("c", "a", "b")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Parcel nahi aya", "parcel NAHIN aaya"),
        ("nahee", "nhi"),
        ("kyun", "kyon"),
        ("wapas", "vapas"),
        ("آيا نہیں", "آیا نہيں"),
        ("شكايت", "شکایت"),
        ("crème brûlée", "creme brulee"),
        ("don't", "dont"),
    ],
)
def test_words_that_are_the_same(one: str, other: str) -> None:
    """English, Urdu and Roman Urdu spellings of one word are compared as one."""
    if one == "kyun":
        assert words_of(one)[0][:2] == words_of(other)[0][:2]
        return
    assert words_of(one) == words_of(other)


@given(st.text(max_size=80))
def test_letters_are_folded_as_the_complaint_rules_fold_them(text: str) -> None:
    """A phrase that flagged a case finds its message: both use one folding of letters."""
    assert folded(text) == spelled(text).text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=parcel", ["CASE-1001"]),
        ("?q=parcel+NAHIN+aaya", ["CASE-1001"]),
        ('?q="parcel+nahi"', ["CASE-1001"]),
        ('?q="nahi+parcel"', []),
        ("?q=parc*", ["CASE-1001"]),
        ("?q=parcel+agent:b", []),
        ("?q=agent:a+%22parcel+never+came%22", ["CASE-1001"]),
        (f"?customer={CV}", ["CASE-1001"]),
        ("?customer=%2B923001114291", ["CASE-1001"]),
        ("?q=%2B923001114291", ["CASE-1001"]),
        ("?customer=%2B923009999999", []),
        ("?tag=nothing", []),
        ("?q=held:a", ["CASE-1001"]),
    ],
)
async def test_cases_are_found_by_what_was_said(query: str, found: list[str]) -> None:
    """Words, phrases, beginnings and customers, in cases' messages, titles and notes."""
    answer = await World().get(f"/v1/cases{query}")
    assert answer.status_code == 200, answer.text
    assert [case["case_id"] for case in answer.json()["items"]] == found


async def test_records_are_found_by_what_was_said() -> None:
    """Words narrow the records of a case, messages that do not name the case among them."""
    world = World()
    answer = (await world.get("/v1/records?q=case:CASE-1001+nahi")).json()
    assert [record["seq"] for record in answer["items"]] == [1]
    assert [part["key"] for part in answer["understood"]] == ["case", "words"]
    messages = (await world.get("/v1/records?case=CASE-1001&action=message")).json()
    assert [record["seq"] for record in messages["items"]] == [10, 4, 1]


async def test_an_agent_finds_only_cases_of_theirs() -> None:
    """INVARIANT I9: words lead an agent to no case they may not open."""
    world = World()
    found = (await world.get("/v1/cases?q=parcel", "token-other")).json()["items"]
    assert found == []
    assert (await world.get("/v1/cases?q=parcel", "token-stranger")).json()["items"] == []


async def test_who_reads_no_text_searches_no_text() -> None:
    """A program that is not shown messages cannot guess them word by word either."""
    world = World()
    for path in ("/v1/cases", "/v1/records"):
        answer = await world.get(f"{path}?q=parcel", "token-service")
        assert answer.status_code == 403
        assert world.stream.events[-1].model_dump()["data"]["outcome"] == "refused"
    assert (await world.get("/v1/cases?q=T-1001", "token-service")).status_code == 200


async def test_a_customer_is_masked_until_revealed() -> None:
    """INVARIANT I9: the number is shown to who writes down why, and the record comes first."""
    world = World()
    answer = await world.get("/v1/customers?phone=%2B92+300+111+4291", "token-agent")
    (customer,) = answer.json()["items"]
    assert (customer["phone"], customer["name"], customer["case_ids"]) == (
        "····4291",
        "S····",
        ["CASE-1001"],
    )
    assert world.stream.events[-1].private_values()["query"] == {"phone": PHONE}
    path = f"/v1/customers/{CV}/reveal"
    shown = await world.post(path, {"purpose": "call back"}, "token-agent")
    assert shown.json()["phone"] == PHONE
    event = world.stream.events[-1]
    assert event.noun_verb == "access.revealed"
    assert event.private_values()["purpose"] == "call back"
    assert event.conversationid == CV
    assert (await world.post(path, {"purpose": "x"})).status_code == 422
    assert (await world.post(path, {"purpose": "why not"}, "token-other")).status_code == 403
    assert world.stream.events[-1].model_dump()["data"]["fields"] == []
    assert (await world.post(path, {"purpose": "why not"}, "token-service")).status_code == 403
    world.stream.refusing = True
    refused = await world.post(path, {"purpose": "call back"})
    assert refused.status_code == 503
    assert PHONE not in refused.text


async def test_a_number_that_was_typed_is_not_public() -> None:
    """INVARIANT I8: a number stands in the private part of the look only."""
    world = World()
    for path in ("/v1/cases?customer=", "/v1/records?customer=", "/v1/cases?q="):
        await world.get(f"{path}%2B{PHONE}")
        event = world.stream.events[-1]
        public = event.model_dump_json(exclude={"private"})
        assert PHONE not in public
        assert PHONE in str(event.private_values()["query"])
