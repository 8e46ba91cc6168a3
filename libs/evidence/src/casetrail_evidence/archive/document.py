"""The lines of an archive (format 1): a header, then records and hashes in the order of the log.

Every line is canonical JSON (RFC 8785), so that there is one spelling for each. An archive says
nothing that its verifier cannot make again from what was signed: why and when it was made stands in
the log itself (`retention.archived`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from casetrail_evidence.archive.faults import ArchiveFormatUnknown
from casetrail_evidence.base64text import decode_base64, encode_base64
from casetrail_evidence.canonical import canonical_json, parse_json
from casetrail_evidence.errors import Malformed, NotCanonical
from casetrail_evidence.merkle import HASH_BYTES, Node

FORMAT: Final = "casetrail-archive/1"
SUFFIX: Final = ".jsonl.gz"

_HEADER: Final = {
    "checkpoint": str,
    "first": int,
    "first_seq": int,
    "format": str,
    "key": str,
    "last": int,
    "log": str,
    "records": int,
    "rotations": list,
}
_RECORD: Final = frozenset(
    {"erased", "event_id", "leaf", "leaf_input", "noted_at", "private", "seq"}
)
_NODE: Final = frozenset({"hash", "node"})
_PLACE: Final = re.compile(r"(0|[1-9]\d?)/(0|[1-9]\d{0,18})")
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+-[1-9]\d*-[1-9]\d*\.jsonl\.gz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the first line says: which records there are, and the signed tree they are in."""

    log: str
    first_seq: int
    first: int
    last: int
    records: int
    checkpoint: str
    key: str
    rotations: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The name of the file: `SUPPORT-1-5000.jsonl.gz`, first and last record in it."""
        return f"{self.log}-{self.first}-{self.last}{SUFFIX}"

    def line(self) -> bytes:
        """The line."""
        members = {name: getattr(self, name) for name in _HEADER if name != "format"}
        return canonical_json({**members, "format": FORMAT, "rotations": list(self.rotations)})

    @classmethod
    def parse(cls, line: bytes) -> "Header":
        """The header of a line, or `ArchiveFormatUnknown` or `Malformed`."""
        content = _object(line, "the first line")
        if content.get("format") != FORMAT:
            raise ArchiveFormatUnknown(
                f"The archive is of the format {content.get('format')!r}; this version knows "
                f"{FORMAT}."
            )
        _require_names(content, _HEADER.keys(), "the first line")
        for name, kind in _HEADER.items():
            if type(content[name]) is not kind:
                raise Malformed(f"{name} in the first line of the archive is not {kind.__name__}.")
        rotations = content["rotations"]
        if not all(isinstance(text, str) for text in rotations):
            raise Malformed("rotations in the first line of the archive is not a list of texts.")
        return cls(
            **{name: content[name] for name in _HEADER if name not in {"format", "rotations"}},
            rotations=tuple(rotations),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedRecord:
    """One record, as it was kept, but for what follows from its leaf input.

    `private` are its personal values with their salts; the bytes of a duplicate or poison in
    base64. `erased` says which of them were erased, under which policy. `event_id` stands here only
    where the leaf does not tell it; `noted_at` is when a gap was noted.
    """

    seq: int
    leaf: str
    leaf_input: str
    private: Mapping[str, Any] | None = None
    erased: Mapping[str, Any] | None = None
    event_id: str | None = None
    noted_at: str | None = None
    content: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """The leaf input as a value, once it is parsed."""

    def line(self) -> bytes:
        """The line."""
        return canonical_json({name: getattr(self, name) for name in _RECORD})


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A subtree without a record in this archive, by its hash."""

    node: Node
    hash: bytes

    def line(self) -> bytes:
        """The line."""
        place = f"{self.node.level}/{self.node.position}"
        return canonical_json({"hash": encode_base64(self.hash), "node": place})


def parse_line(line: bytes, number: int) -> ArchivedRecord | Elsewhere:
    """The record or the hash of a line, or `Malformed` with its number."""
    where = f"line {number}"
    content = _object(line, where)
    if "node" in content:
        _require_names(content, _NODE, where)
        place = _PLACE.fullmatch(str(content["node"]))
        if place is None or int(place[1]) > 63 or not isinstance(content["hash"], str):  # noqa: PLR2004
            raise Malformed(f"{where} of the archive names no place of a tree.")
        value = decode_base64(content["hash"], f"hash in {where}", HASH_BYTES)
        return Elsewhere(Node(int(place[1]), int(place[2])), value)
    _require_names(content, _RECORD, where)
    texts = (content["leaf"], content["leaf_input"])
    options = (content["event_id"], content["noted_at"])
    objects = (content["private"], content["erased"])
    if not (
        type(content["seq"]) is int
        and all(isinstance(text, str) for text in texts)
        and all(text is None or isinstance(text, str) for text in options)
        and all(value is None or isinstance(value, dict) for value in objects)
        and _HEX.fullmatch(content["leaf"])
    ):
        raise Malformed(f"{where} of the archive is not a record.")
    return ArchivedRecord(**content, content=_leaf(content["leaf_input"], where))


def is_archive_name(name: str) -> bool:
    """Whether a file is named as archives are."""
    return _NAME.fullmatch(name) is not None


def _leaf(text: str, where: str) -> Mapping[str, Any]:
    try:
        content = parse_json(text)
    except NotCanonical as fault:
        raise Malformed(f"{where} of the archive has no leaf input: {fault}") from fault
    if not isinstance(content, dict):
        raise Malformed(f"{where} of the archive has no leaf input.")
    return content


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        content = parse_json(line)
    except NotCanonical as fault:
        raise Malformed(f"{where} of the archive is not JSON: {fault}") from fault
    if not isinstance(content, dict) or canonical_json(content) != line:
        raise Malformed(f"{where} of the archive is not a canonical JSON object.")
    return content


def _require_names(content: Mapping[str, Any], names: Any, where: str) -> None:
    if set(content) != set(names):
        raise Malformed(f"{where} of the archive does not have the members {sorted(names)}.")
