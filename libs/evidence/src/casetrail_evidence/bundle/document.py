"""The documents of a bundle: its manifest and its record files, each with one spelling."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, NoReturn

from casetrail_evidence.base64text import decode_base64, encode_base64
from casetrail_evidence.bundle.choosing import Disclosure, is_disclosure
from casetrail_evidence.bundle.faults import FormatUnknown
from casetrail_evidence.canonical import canonical_json, parse_json
from casetrail_evidence.disclosure import Disclosed
from casetrail_evidence.errors import Malformed, NotCanonical
from casetrail_evidence.merkle import HASH_BYTES

FORMAT: Final = "casetrail-evidence-bundle/1"
MANIFEST: Final = "manifest.json"
CHECKPOINT: Final = "checkpoint"
KEY: Final = "key"
ROTATIONS: Final = "rotations.json"
VERSIONS: Final = "versions.json"
README: Final = "README.txt"
TIMELINE: Final = "timeline.html"
PRINT: Final = "timeline.pdf"
"""Optional: a print of the timeline, which is listed but cannot be made again by a verifier."""
VERIFIER: Final = "verify.html"
LISTED: Final = (CHECKPOINT, KEY, ROTATIONS, VERSIONS, README, TIMELINE)
"""What the manifest lists beside the records. verify.html holds the manifest, so it cannot be
listed in it; it is recomputed instead."""
MAX_RECORDS: Final = 20_000

_RECORD: Final = re.compile(r"records/(\d{4,5})\.json")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_POLICY: Final = re.compile(r"[a-z0-9][a-z0-9._/-]{0,99}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_MANIFEST: Final[Mapping[str, type]] = {
    **dict.fromkeys(("format", "case", "workspace", "log", "origin", "made_at", "disclosure"), str),
    **dict.fromkeys(("first_seq", "records"), int),
    **dict.fromkeys(("tree", "files"), dict),
}
_RECORD_FILE: Final[Mapping[str, type]] = {
    **dict.fromkeys(("leaf_input", "proof", "kind"), str),
    **dict.fromkeys(("index", "seq"), int),
    **dict.fromkeys(("disclosed", "withheld"), dict),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a bundle says of itself. `made_at` and `disclosure` are its maker's word, unsigned."""

    case: str
    workspace: str
    log: str
    origin: str
    first_seq: int
    size: int
    root: bytes
    made_at: str
    disclosure: Disclosure
    records: int
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        """The bytes of manifest.json."""
        content = {f.name: getattr(self, f.name) for f in fields(self)}
        tree = {"size": content.pop("size"), "root": encode_base64(content.pop("root"))}
        return canonical_json({**content, "format": FORMAT, "tree": tree})

    @classmethod
    def parse(cls, data: bytes) -> "Manifest":
        """The manifest of such bytes, `FormatUnknown` or `Malformed`."""
        content = _object(data, MANIFEST)
        if content.get("format") != FORMAT:
            raise FormatUnknown(
                f"The manifest says the format is {content.get('format')!r}; "
                f"this version of casetrail-verify knows {FORMAT}."
            )
        told = _members(content, _MANIFEST, MANIFEST)
        tree = _members(told.pop("tree"), {"size": int, "root": str}, MANIFEST)
        del told["format"]
        root = decode_base64(tree["root"], "root in the manifest", HASH_BYTES)
        manifest = cls(**told, size=tree["size"], root=root)
        manifest.require_possible()
        return manifest

    def require_possible(self) -> None:
        """Nothing, or `Malformed` for values that no bundle has."""
        if not is_disclosure(self.disclosure) or not _MOMENT.fullmatch(self.made_at):
            _malformed(MANIFEST)
        if self.first_seq < 1 or self.size < 0 or not 1 <= self.records <= MAX_RECORDS:
            _malformed(MANIFEST)
        for name, digest in self.files.items():
            if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
                _malformed(f"{MANIFEST}, at {name!r},")


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledRecord:
    """One record: what was hashed, the proof that it is in the log, and what of it is shown.

    `withheld` maps a private field to the policy under which its value is not here.
    """

    index: int
    seq: int
    leaf_input: str
    proof: str
    disclosed: Mapping[str, Disclosed] = field(default_factory=dict)
    withheld: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        """The bytes of its file."""
        shown = {n: {"salt": d.salt, "value": d.value} for n, d in self.disclosed.items()}
        return canonical_json(
            {
                "disclosed": shown,
                "index": self.index,
                "kind": "event",
                "leaf_input": self.leaf_input,
                "proof": self.proof,
                "seq": self.seq,
                "withheld": dict(self.withheld),
            }
        )

    @classmethod
    def parse(cls, data: bytes, name: str) -> "BundledRecord":
        """The record of such a file, or `Malformed` naming it; nothing is verified."""
        content = _members(_object(data, name), _RECORD_FILE, name)
        if content.pop("kind") != "event":
            _malformed(name)
        shown = {}
        for field_name, value in content.pop("disclosed").items():
            if not isinstance(value, dict) or set(value) != {"salt", "value"}:
                _malformed(name)
            if not isinstance(value["salt"], str) or not _DIGEST.fullmatch(value["salt"]):
                _malformed(name)
            shown[field_name] = Disclosed(value["value"], value["salt"])
        if not all(
            isinstance(p, str) and _POLICY.fullmatch(p) for p in content["withheld"].values()
        ):
            _malformed(name)
        return cls(**content, disclosed=shown)

    @property
    def leaf(self) -> dict[str, Any]:
        """What the leaf input says, or `Malformed`."""
        try:
            leaf = parse_json(self.leaf_input)
        except NotCanonical as fault:
            raise Malformed(f"The leaf input of record {self.seq} is not JSON.") from fault
        if not isinstance(leaf, dict) or not isinstance(leaf.get("event"), dict):
            raise Malformed(f"The leaf input of record {self.seq} is not that of an event.")
        return leaf

    @property
    def committed(self) -> dict[str, str]:
        """The commitments to its private fields, by name."""
        private = self.leaf["event"].get("private")
        if private is None:
            return {}
        if not isinstance(private, dict) or not all(isinstance(c, str) for c in private.values()):
            raise Malformed(f"The commitments of record {self.seq} are not texts.")
        return private


def record_name(number: int) -> str:
    """`records/0001.json` for the first record."""
    return f"records/{number:04d}.json"


def is_record_name(name: str) -> bool:
    """Whether a file of this name is that of a record."""
    match = _RECORD.fullmatch(name)
    return match is not None and record_name(int(match.group(1))) == name and name.isascii()


def rotations_data(notes: list[str]) -> bytes:
    """The bytes of rotations.json: the notes with which the log changed its key."""
    return canonical_json(notes)


def parse_rotations(data: bytes) -> list[str]:
    """The notes, or `Malformed`."""
    notes = _canonical(data, ROTATIONS)
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        _malformed(ROTATIONS)
    return notes


def _members(content: Any, types: Mapping[str, type], what: str) -> dict[str, Any]:
    """The members, when they are exactly these and of these types."""
    if not isinstance(content, dict) or set(content) != set(types):
        _malformed(what)
    if any(type(content[name]) is not kind for name, kind in types.items()):
        _malformed(what)
    return dict(content)


def _object(data: bytes, what: str) -> dict[str, Any]:
    value = _canonical(data, what)
    if not isinstance(value, dict):
        _malformed(what)
    return value


def _canonical(data: bytes, what: str) -> Any:
    """The value of a JSON text in its one spelling, so that no byte of it can change unnoticed."""
    try:
        value = parse_json(data)
        again = canonical_json(value)
    except NotCanonical as fault:
        raise Malformed(f"{what} is not canonical JSON: {fault}") from fault
    if again != data:
        raise Malformed(f"{what} is not canonical JSON (RFC 8785).")
    return value


def _malformed(what: str) -> NoReturn:
    raise Malformed(f"{what} does not have the members that a bundle's has.")
