"""A line cut into pieces: words, "phrases" and key:value, each with its place."""

from dataclasses import dataclass
from typing import Final

from casetrail_gateway.domain.errors import QueryNotUnderstood

QUOTES: Final = {'"': '"', "“": "”", "„": "”", "«": "»"}
MOST_PIECES: Final = 24


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the line from `start` to `end`; `key` None for words alone."""

    key: str | None
    value: str
    quoted: bool
    text: str
    start: int
    end: int


def pieces_of(line: str) -> list[Piece]:
    """The pieces in order.

    Raises:
        QueryNotUnderstood: a quotation without an end, a key without a value, too many pieces.
    """
    pieces: list[Piece] = []
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        piece = _piece(line, at)
        pieces.append(piece)
        at = piece.end
        if len(pieces) > MOST_PIECES:
            raise QueryNotUnderstood(f"A search has at most {MOST_PIECES} parts.", piece.start)
    return pieces


def _piece(line: str, start: int) -> Piece:
    if line[start] in QUOTES:
        value, end = _quotation(line, start)
        return Piece(None, value, quoted=True, text=line[start:end], start=start, end=end)
    key, at = _key(line, start)
    if key is not None and at < len(line) and line[at] in QUOTES:
        value, end = _quotation(line, at)
        return Piece(key, value, quoted=True, text=line[start:end], start=start, end=end)
    end = at
    while end < len(line) and not line[end].isspace() and line[end] not in QUOTES:
        end += 1
    if key is not None and end == at:
        raise QueryNotUnderstood(f"{key}: needs a value right behind it, like {key}:…", start)
    value = line[at:end]
    return Piece(key, value, quoted=False, text=line[start:end], start=start, end=end)


def _key(line: str, start: int) -> tuple[str | None, int]:
    """The key and where its value begins; None for a word that merely has a colon later."""
    at = start
    while at < len(line) and (line[at].isascii() and (line[at].isalpha() or line[at] == "_")):
        at += 1
    if at > start and at < len(line) and line[at] == ":":
        return line[start:at].lower(), at + 1
    return None, start


def _quotation(line: str, start: int) -> tuple[str, int]:
    close = QUOTES[line[start]]
    end = line.find(close, start + 1)
    if end < 0:
        raise QueryNotUnderstood("The quotation that begins here has no end.", start)
    return line[start + 1 : end], end + 1
