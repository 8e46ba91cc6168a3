"""The quicker reader of NATS headers."""

import pytest
from casetrail_runtime.headers import header_parser, read_headers_quickly
from hypothesis import example, given
from hypothesis import strategies as st
from nats.aio.client import Client

LINES = st.lists(st.text(st.characters(max_codepoint=300), max_size=20), max_size=5)


@given(LINES)
@example(["Nats-Msg-Id: 1", "a:b:c", "no colon", "", " x: y", "in side: y", "tab\t: y", ": empty"])
@example(["value: \x1c kept \x1c", "\x1cname: x", "é: x", "x: é"])
def test_it_reads_what_the_client_reads(lines: list[str]) -> None:
    """Any block of lines has the headers that nats-py finds in it."""
    raw = "\r\n".join(lines).encode("utf-8", "surrogatepass")
    careful = Client._parse_header_lines
    assert header_parser(careful)(raw) == careful(raw)


def test_ordinary_headers_are_read_without_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client is given the quick parser, which does not ask the careful one."""

    def careful(raw: bytes) -> dict[str, str]:
        raise AssertionError(raw)

    monkeypatch.setattr(Client, "_parse_header_lines", staticmethod(careful))
    client = Client()
    read_headers_quickly(client)
    assert client._parse_header_lines(b"Nats-Msg-Id: 1\r\na: b \r\n") == {
        "Nats-Msg-Id": "1",
        "a": "b",
    }
