"""Saved views: whose they are, who shares, and that each is an event."""

import pytest

from tests.unit.gateway.world import World

VIEW = {"name": "Angry parcels", "q": 'escalated:yes "nahi aya"', "of": "cases"}


async def names(world: World, token: str) -> list[str]:
    """The views somebody is shown."""
    answer = await world.get("/v1/views", token)
    assert answer.status_code == 200, answer.text
    return [view["name"] for view in answer.json()["items"]]


async def test_a_view_is_saved_shared_and_deleted() -> None:
    """Its own person sees it; shared, the workspace does; deleted, nobody."""
    world = World()
    mine = await world.post("/v1/views", VIEW, "token-agent")
    assert mine.status_code == 201, mine.text
    shared = await world.post("/v1/views", {**VIEW, "name": "All", "shared": True}, "token-lead")
    assert await names(world, "token-agent") == ["All", "Angry parcels"]
    assert await names(world, "token-other") == ["All"]
    assert await names(world, "token-stranger") == []
    first, second = mine.json()["view_id"], shared.json()["view_id"]
    assert (await world.delete(f"/v1/views/{first}", "token-other")).status_code == 404
    assert (await world.delete(f"/v1/views/{second}", "token-other")).status_code == 403
    assert (await world.delete(f"/v1/views/{first}", "token-agent")).status_code == 200
    assert (await world.delete(f"/v1/views/{second}", "token-admin")).status_code == 200
    assert await names(world, "token-agent") == []


async def test_a_view_is_an_event_with_its_words_in_private() -> None:
    """INVARIANT I8: name and search may be a customer's words; the rest is public."""
    world = World()
    await world.post("/v1/views", VIEW, "token-lead")
    event = world.stream.events[-1]
    assert event.noun_verb == "view.saved"
    assert event.private_values() == {"name": VIEW["name"], "query": VIEW["q"]}
    public = event.model_dump_json(exclude={"private"})
    assert "nahi" not in public
    assert "Angry" not in public


async def test_a_repeated_request_makes_one_view() -> None:
    """INVARIANT I3: the same key gives the same view."""
    world = World()
    one = await world.post("/v1/views", VIEW, "token-lead", idempotency_key="k")
    two = await world.post("/v1/views", VIEW, "token-lead", idempotency_key="k")
    assert one.json()["view_id"] == two.json()["view_id"]
    assert await names(world, "token-lead") == ["Angry parcels"]


@pytest.mark.parametrize(
    ("body", "token", "status"),
    [
        ({**VIEW, "shared": True}, "token-agent", 403),
        (VIEW, "token-service", 403),
        ({**VIEW, "q": "colour:red"}, "token-lead", 400),
        ({**VIEW, "name": ""}, "token-lead", 422),
        ({**VIEW, "of": "people"}, "token-lead", 422),
    ],
)
async def test_what_cannot_be_saved_says_why(
    body: dict[str, object], token: str, status: int
) -> None:
    """Agents share nothing, programs save nothing, and a view has to be understood."""
    world = World()
    assert (await world.post("/v1/views", body, token)).status_code == status
    refused = [event for event in world.stream.events if event.noun_verb == "command.rejected"]
    assert len(refused) == (status == 403)
