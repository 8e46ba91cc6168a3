"""Legal holds: they win over erasures, and two people release them."""

from typing import Any

import pytest

from tests.integration.privacy.office import ADMIN, CV, OTHER_CV, SECOND, Office, said

HOLDS = "/v1/privacy/holds"
ERASURES = "/v1/privacy/erasures"


async def hold(office: Office, scope: dict[str, Any]) -> str:
    """A hold that stands."""
    answer = await office.post(HOLDS, {"scope": scope, "reason": "a claim is open"})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["status"], answer.json()["erasures_under_way"]) == ("active", [])
    hold_id: str = answer.json()["hold_id"]
    return hold_id


async def test_a_hold_blocks_until_two_people_release_it(office: Office) -> None:
    """Refused with the hold's id and recorded; the same person twice is not two people."""
    await office.hear(said(1, "zebra"))
    hold_id = await hold(office, {"case": "CASE-1001"})
    body = {"scope": {"customer": CV}, "policy": "customer-request", "reason": "by letter"}
    refused = await office.post(ERASURES, body)
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:casetrail:problem:held"
    assert hold_id in refused.json()["detail"]
    await office.quiet()
    (rejected,) = [r for r in await office.records() if r["action"] == "command.rejected"]
    assert (rejected["data"]["code"], rejected["conversation_id"]) == ("held", CV)
    assert hold_id in rejected["data"]["detail"]

    release = f"{HOLDS}/{hold_id}/release"
    first = await office.post(release, {"reason": "the claim is settled"})
    assert (first.status_code, first.json()["status"]) == (200, "release_requested")
    again = await office.post(release, {"reason": "really"})
    assert again.status_code == 409
    assert again.json()["type"] == "urn:casetrail:problem:second-person-needed"
    assert (await office.post(ERASURES, body)).status_code == 409
    second = await office.post(release, {"reason": "agreed"}, SECOND)
    assert (second.status_code, second.json()["status"]) == (200, "released")
    third = await office.post(release, {"reason": "once more"}, SECOND)
    assert third.json()["type"] == "urn:casetrail:problem:already-released"

    await office.erase({"customer": CV})
    told = [e["action"] for e in (await office.get(f"/v1/conversations/{CV}/timeline"))["entries"]]
    assert [action for action in told if action.startswith("privacy.")] == [
        "privacy.hold_placed",
        "privacy.hold_release_requested",
        "privacy.hold_released",
        "privacy.erasure_requested",
        "privacy.erased",
    ]


@pytest.mark.parametrize(
    ("held", "erased", "blocked"),
    [
        ({"customer": CV}, {"case": "CASE-1001"}, True),
        ({"case": "CASE-1001"}, {"record": 1}, True),
        ({"record": 1}, {"customer": CV}, True),
        ({"record": 1}, {"record": 2}, False),
        ({"customer": OTHER_CV}, {"customer": CV}, False),
    ],
)
async def test_what_a_hold_covers(
    office: Office, held: dict[str, Any], erased: dict[str, Any], *, blocked: bool
) -> None:
    """Whatever may be in both scopes is held; what is not, is erased."""
    await office.hear(said(1, "zebra"), said(2, "zebra too"))
    await office.hear(said(3, "giraffe", OTHER_CV, phone="15550001111"))
    await hold(office, held)
    body = {"scope": erased, "policy": "customer-request", "reason": "by letter"}
    assert (await office.post(ERASURES, body)).status_code == (409 if blocked else 202)


async def test_what_is_not_there_and_not_known(office: Office) -> None:
    """No such case, policy, hold or erasure; an erasure is asked for by an administrator only."""
    await office.hear(said(1, "zebra"))
    body = {"scope": {"case": "CASE-9"}, "policy": "customer-request", "reason": "by letter"}
    assert (await office.post(ERASURES, body)).status_code == 404
    body = {"scope": {"customer": CV}, "policy": "no-such", "reason": "by letter"}
    assert (await office.post(ERASURES, body)).status_code == 422
    body = {"scope": {"customer": CV, "record": 1}, "policy": "x", "reason": "by letter"}
    assert (await office.post(ERASURES, body)).status_code == 422
    assert (await office.post(f"{HOLDS}/ho_0/release", {"reason": "x"})).status_code == 404
    headers = {"Authorization": f"Bearer {ADMIN}"}
    none = await office.client.get(f"{ERASURES}/er_0", headers=headers)
    assert none.status_code == 404
    assert (await office.post(HOLDS, {}, "token-lead")).status_code in {403, 422}
