"""The generated pages of docs/reference say what the code says."""

from pathlib import Path

from docs.generate import REFERENCE, asyncapi, pages


def test_no_generated_page_is_stale() -> None:
    """`make docs` has been run after the last change of a contract, a setting or an API."""
    stale = [
        name
        for name, content in pages().items()
        if not (REFERENCE / name).exists() or (REFERENCE / name).read_text("utf-8") != content
    ]
    assert stale == []


def test_the_asyncapi_document_holds_together() -> None:
    """Every reference of the AsyncAPI 3 document points to something in it."""
    document = asyncapi()
    assert document["asyncapi"] == "3.0.0"

    def references(value: object) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [ref for each in value.values() for ref in references(each)]
        if isinstance(value, list):
            return [ref for each in value for ref in references(each)]
        return []

    found = references(document)
    assert found
    for reference in set(found):
        target: object = document
        for part in reference.removeprefix("#/").split("/"):
            assert isinstance(target, dict)
            assert part in target, reference
            target = target[part]


def test_no_page_is_left_over() -> None:
    """A schema whose event is gone does not stay."""
    kept = {f"schemas/{path.name}" for path in Path(REFERENCE / "schemas").glob("*.json")}
    assert kept <= set(pages())
