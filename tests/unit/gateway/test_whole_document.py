"""The whole API against its own document: whatever is sent, the answer is one the document names.

For every operation, requests are made from the document's own schemas, good and bad values mixed.
No answer is a 5xx, its status and media type are in the document, and its body fits the schema
there. The same operations are walked role by role and from another workspace.
"""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest
from casetrail_gateway.api.application import make_api
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tests.unit.gateway.story import PHONE, SECRET_TEXT
from tests.unit.gateway.test_access_before_answer import VALUES
from tests.unit.gateway.test_roles import body_of
from tests.unit.gateway.world import World

DOCUMENT = make_api().openapi()
OPERATIONS = sorted(
    (method.upper(), path)
    for path, operations in DOCUMENT["paths"].items()
    for method in operations
)
ATTACKS = (
    *('{"$gt":""}', "$where", "' || 1==1 //", "a:b", "*", "%00", "\x00", "../..", "a" * 600),
    *("=cmd|' /C calc'!A0", "<script>alert(1)</script>", "http://169.254.169.254/", "\ud800x"),
    *("-1", "0", str(2**63), "1e9", "NaN", "null", "[]", "2026-13-45", "cv_", "CASE-0", "ي"),
)


def resolved(schema: Any) -> Any:
    """The schema with what it refers to in its place, one level at a time."""
    while isinstance(schema, dict) and "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def good(schema: Any, example: Any = None) -> st.SearchStrategy[str]:
    """Texts that fit a parameter's schema."""
    schema = resolved(schema)
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option.get("type") != "null"]
        return st.one_of(*[good(option, example) for option in options])
    enum = ["true", "false"] if schema.get("type") == "boolean" else schema.get("enum")
    if enum:
        return st.sampled_from(enum)
    if schema.get("type") == "integer":
        least, most = schema.get("minimum", 0), schema.get("maximum", 100)
        return st.integers(least, min(most, 2**62)).map(str)
    if example is not None:
        return st.just(str(example))
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    return st.text(max_size=20)


def parameters(method: str, path: str) -> st.SearchStrategy[dict[tuple[str, str], str]]:
    """Values for some of the parameters, good and bad."""
    told = DOCUMENT["paths"][path][method.lower()].get("parameters", [])
    bad = st.sampled_from(ATTACKS) | st.text(max_size=12)
    fields = {}
    for parameter in told:
        example = next(iter(parameter["schema"].get("examples", ())), None)
        fits = good(parameter["schema"], example)
        if parameter["in"] == "path":
            fits = st.just(VALUES.get(parameter["name"], "x")) | fits
        fields[parameter["in"], parameter["name"]] = st.one_of(fits, fits, bad)
    always = {key: value for key, value in fields.items() if key[0] == "path"}
    rest = {key: value for key, value in fields.items() if key[0] != "path"}
    return st.fixed_dictionaries(always, optional=rest)


def bodies(method: str, path: str) -> st.SearchStrategy[Any]:
    """A body that is taken, one that is nearly so, or any JSON."""
    if method == "GET":
        return st.none()
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
        max_leaves=5,
    )
    try:
        taken = body_of(path)
    except StopIteration:
        return anything
    spoiled = st.dictionaries(st.text(max_size=6), anything, max_size=2)
    if not isinstance(taken, dict):
        return anything
    odd = (
        st.sampled_from(sorted(taken)).flatmap(
            lambda name: st.sampled_from(ATTACKS).map(lambda value: {**taken, name: value})
        )
        if taken
        else spoiled
    )
    return st.one_of(st.just(taken), spoiled.map(lambda more: {**taken, **more}), odd, anything)


async def ask(method: str, path: str, values: dict[tuple[str, str], str], body: Any) -> Any:
    """The answer of the API."""
    world = World()
    headers = {"Authorization": "Bearer token-admin"}
    query = []
    for (where, name), value in values.items():
        text = value.encode("utf-8", "surrogatepass")
        if where == "path":
            path = path.replace(f"{{{name}}}", quote(text, safe=""))
        elif where == "query":
            query.append(f"{quote(name)}={quote(text, safe='')}")
        elif value.isascii() and value.isprintable():
            headers[name] = value
    if path == "/v1/live":
        query = [*[part for part in query if not part.startswith("seconds")], "seconds=0"]
    content = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        content = json.dumps(body).encode("utf-8", "surrogatepass")
    async with world.asking(None) as client:
        where = f"{path}?{'&'.join(query)}" if query else path
        return await client.request(method, where, headers=headers, content=content)


def check(method: str, path: str, answer: Any) -> None:
    """Nothing, or what the answer says that the document does not."""
    told = DOCUMENT["paths"][path][method.lower()]["responses"]
    assert answer.status_code < 500, answer.text
    if answer.status_code in {304, 404, 405} and str(answer.status_code) not in told:
        return  # a path that no thing can have is not this operation
    assert str(answer.status_code) in told, (answer.status_code, answer.text)
    media = answer.headers["content-type"].partition(";")[0]
    content = told[str(answer.status_code)].get("content", {})
    if media.endswith("json") and media in content:
        schema = {**content[media].get("schema", {}), "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(answer.json())


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_one_of_the_document(method: str, path: str) -> None:
    """No 5xx and nothing the document does not say, whatever is sent."""

    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(values=parameters(method, path), body=bodies(method, path))
    def every(values: dict[tuple[str, str], str], body: Any) -> None:
        check(method, path, asyncio.run(ask(method, path, values, body)))

    every()


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_another_workspace_reaches_nothing(method: str, path: str) -> None:
    """INVARIANT I9: an administrator of another workspace learns nothing on any path."""
    if not path.startswith("/v1"):
        return
    world = World()
    where = path
    for name, value in VALUES.items():
        where = where.replace(f"{{{name}}}", value)
    query = {"/v1/customers": f"?phone=%2B{PHONE}", "/v1/live": "?seconds=0"}.get(path, "")
    query = "?format=jsonl" if path == "/v1/export" else query
    async with world.asking("token-stranger") as client:
        headers = {"Last-Event-ID": "0"}
        body = None if method in {"GET", "DELETE"} else body_of(path)
        answer = await client.request(method, where + query, json=body, headers=headers)
    for secret in (SECRET_TEXT, PHONE, "Sana", "Agent A", "TCS-88121", "····4291", "wedding"):
        assert secret not in answer.text.replace("Agent A elsewhere", "")
    assert all(command.workspace == "elsewhere" for command in world.commands.sent)
    assert all(event.workspace == "elsewhere" for event in world.stream.events)
