"""Tokens from a file: hashes, expiry, reload, and what is wrong with a file."""

import hashlib
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from casetrail_gateway.adapters.tokens_file import TokensFile, TokensFileFaulty

from tests.unit.gateway.world import TickingClock


def entry(token: str, **fields: Any) -> dict[str, Any]:
    """A token of agent a."""
    return {
        "token_sha256": hashlib.sha256(token.encode()).hexdigest(),
        "id": "a",
        "name": "Agent A",
        "role": "agent",
        "workspace": "main",
        "expires_at": None,
        **fields,
    }


def write(path: Path, content: Any, age: int = 0) -> Path:
    """The file, with a time of its own so that a change is seen within one tick of the disk."""
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    at = path.stat().st_mtime_ns + age
    os.utime(path, ns=(at, at))
    return path


def test_a_token_is_known_by_its_hash(tmp_path: Path) -> None:
    """The right token names its holder, any other nobody."""
    tokens = TokensFile(write(tmp_path / "t", [entry("x"), entry("y", id="b")]), TickingClock())
    holder = tokens.holder_of("y")
    assert holder is not None
    assert (holder.id, holder.role, holder.workspace, holder.ref) == (
        "b",
        "agent",
        "main",
        "agent:b",
    )
    assert tokens.holder_of("z") is None
    assert tokens.holder_of("") is None
    assert tokens.holder_of(entry("x")["token_sha256"]) is None


def test_a_token_ends_at_its_time(tmp_path: Path) -> None:
    """From `expires_at` on the token is nobody's."""
    clock = TickingClock()
    end = clock.at + timedelta(seconds=10)
    tokens = TokensFile(write(tmp_path / "t", [entry("x", expires_at=end.isoformat())]), clock)
    assert tokens.holder_of("x") is not None
    clock.at = end
    assert tokens.holder_of("x") is None


async def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    """A token taken out of the file is refused at the next request."""
    path = write(tmp_path / "t", [entry("x")])
    tokens = TokensFile(path, TickingClock())
    assert tokens.holder_of("x") is not None
    write(path, [entry("y")], age=1)
    assert tokens.holder_of("x") is None
    assert tokens.holder_of("y") is not None


async def test_a_file_that_breaks_keeps_the_last_good_tokens_and_is_reported(
    tmp_path: Path,
) -> None:
    """A slip of the pen locks nobody out, and readiness says what is wrong."""
    path = write(tmp_path / "t", [entry("x")])
    tokens = TokensFile(path, TickingClock())
    write(path, "[{", age=1)
    assert tokens.holder_of("x") is not None
    with pytest.raises(TokensFileFaulty, match="is not JSON"):
        await tokens.check()
    write(path, [entry("y")], age=2)
    await tokens.check()
    assert tokens.holder_of("x") is None


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ("[{", ["is not JSON at character 2."]),
        ("{}", ["is not a JSON list of tokens."]),
        ([1], ["Token 1: entry: Input should be a valid dictionary or instance of TokenEntry."]),
        ([entry("x"), entry("x")], ["Token 2: has the same token_sha256 as token 1."]),
        (
            [entry("x", role="boss", id="A B"), entry("y", expires_at="2026-11-22T10:00:00")],
            ["Token 1: id: ", "Token 1: role: ", "Token 2: expires_at: "],
        ),
        ([{**entry("x"), "token": "secret-in-clear"}], ["Token 1: token: "]),
    ],
)
def test_a_faulty_file_is_told_fault_by_fault(
    tmp_path: Path, content: Any, faults: list[str]
) -> None:
    """Every fault in one go, with the number of its token and never a secret."""
    path = write(tmp_path / "t", content)
    with pytest.raises(TokensFileFaulty) as raised:
        TokensFile(path, TickingClock())
    assert len(raised.value.faults) == len(faults)
    for told, expected in zip(raised.value.faults, faults, strict=True):
        assert told.startswith(expected)
    assert "secret-in-clear" not in str(raised.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """No file, no gateway: the error names the path and why."""
    with pytest.raises(TokensFileFaulty, match="No such file"):
        TokensFile(tmp_path / "none", TickingClock())
