"""What of a record's private fields is shown, and whether it is what was logged."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from casetrail_evidence.errors import CommitmentMismatch, Malformed, Withheld
from casetrail_evidence.leaves import SALT_KEY, field_salts, verify_commitment

_FIELD_SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Disclosed:
    """One private value and the salt of that field (hex), which opens its commitment only."""

    value: Any
    salt: str


def disclose(private: Mapping[str, Any], *names: str) -> dict[str, Disclosed]:
    """The named private fields with their own salts: what may be handed out of them."""
    salts = field_salts(private, names)
    return {name: Disclosed(private[name], salts[name]) for name in names}


def without(private: Mapping[str, Any], names: Collection[str]) -> dict[str, Any] | None:
    """The private fields that are left when the named ones are erased; None when none is.

    The event's salt would open a guess at what is gone, so it goes as well. In its place stand the
    salts of the fields that are left, which open these and nothing else.
    """
    left = {name: private[name] for name in private if name != SALT_KEY and name not in names}
    return {**left, SALT_KEY: field_salts(private, left)} if left else None


def open_field(committed: Mapping[str, str], disclosed: Mapping[str, Disclosed], name: str) -> Any:
    """The value of a private field, checked against its commitment.

    `Withheld` when it was logged but is not shown here; `CommitmentMismatch` when what is shown was
    never logged, or not like this.
    """
    shown = disclosed.get(name)
    commitment = committed.get(name)
    if commitment is None:
        raise CommitmentMismatch(f"The record that was logged has no private field {name!r}.")
    if shown is None:
        raise Withheld(f"The private field {name!r} is withheld; only its commitment is here.")
    verify_commitment(commitment, _salt_bytes(shown.salt, name), name, shown.value)
    return shown.value


def open_fields(
    committed: Mapping[str, str], disclosed: Mapping[str, Disclosed]
) -> tuple[dict[str, Any], list[str]]:
    """Every value that is shown, each checked, and the names of those that are withheld."""
    values = {name: open_field(committed, disclosed, name) for name in disclosed}
    return values, [name for name in committed if name not in disclosed]


def _salt_bytes(text: str, name: str) -> bytes:
    try:
        salt = bytes.fromhex(text)
    except ValueError as error:
        raise Malformed(f"The salt of {name!r} is not hex.") from error
    if len(salt) != _FIELD_SALT_BYTES:
        raise Malformed(f"The salt of {name!r} has {len(salt)} bytes, not {_FIELD_SALT_BYTES}.")
    return salt
