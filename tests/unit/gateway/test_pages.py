"""Pages, the API document and the headers of every answer."""

import re

import pytest
from casetrail_gateway.domain.people import PERMITTED, PUBLIC

from tests.unit.gateway.world import World


@pytest.mark.parametrize("path", ["/docs"])
async def test_pages_ask_nothing_of_anybody_else(path: str) -> None:
    """No script, no address of another host, and a policy that would stop both."""
    answer = await World().get(path, None)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "<script" not in answer.text
    assert not re.findall(r"""(?:src|href|action)\s*=\s*["']?(?:https?:)?//""", answer.text)
    assert " style=" not in answer.text


async def test_the_docs_list_every_path() -> None:
    """The page of the API names what the document has."""
    world = World()
    page = (await world.get("/docs", None)).text
    paths = (await world.get("/openapi.json", None)).json()["paths"]
    served = {path for _, path in PERMITTED} | {path for _, path in PUBLIC}
    assert set(paths) == served
    for path in paths:
        assert path in page


async def test_the_document_has_examples_tags_security_and_problems() -> None:
    """Each operation: a tag, the token, an example, and its errors as problem+json."""
    document = (await World().get("/openapi.json", None)).json()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["tags"], where
            public = (method.upper(), path) in PUBLIC
            assert operation.get("security") == (None if public else [{"token": []}]), where
            assert operation["description"], where
            good = next(v for k, v in operation["responses"].items() if k.startswith("2"))
            examples = [kind["example"] for kind in good["content"].values() if "example" in kind]
            assert len(examples) == 1, where
            assert examples[0], where
            for status, response in operation["responses"].items():
                if not status.startswith("2"):
                    assert list(response["content"]) == ["application/problem+json"], where


@pytest.mark.parametrize("path", ["/", "/v1/cases", "/v1/nothing", "/nothing", "/openapi.json"])
async def test_every_answer_has_the_headers_of_safety(path: str) -> None:
    """Also errors: no sniffing, no framing, no caching, no referrer, a policy, an id."""
    headers = (await World().get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-request-id"]
