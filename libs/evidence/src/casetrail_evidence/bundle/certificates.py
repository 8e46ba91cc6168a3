"""Certificates of erasure: what in the log says that a value is gone, and under which policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from casetrail_evidence.bundle.chains import action_of
from casetrail_evidence.bundle.choosing import OWN_POLICIES
from casetrail_evidence.bundle.document import BundledRecord
from casetrail_evidence.leaves import leaf_hash

_ERASED: Final = "privacy.erased"


@dataclass(slots=True)
class Certificates:
    """The certificates among the records of a bundle; `add` all records, then ask."""

    _listed: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    """Field and policy, by the leaf of the record they are gone from."""
    _claims: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, name: str, record: BundledRecord, leaf: Mapping[str, Any]) -> None:
        """One record: what it certifies, and what it says was erased from itself."""
        own = leaf_hash(record.leaf_input).hex()
        self._claims += [
            (name, own, private, policy)
            for private, policy in sorted(record.withheld.items())
            if policy not in OWN_POLICIES
        ]
        data = leaf["event"].get("data")
        if action_of(leaf) != _ERASED or not isinstance(data, dict):
            return
        rows = data.get("records")
        policy = policy_name(data.get("policy"), data.get("policy_version"))
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict) and isinstance(row.get("fields"), list):
                gone = self._listed.setdefault(str(row.get("leaf")), set())
                gone.update((private, policy) for private in map(str, row["fields"]))

    @property
    def lacking(self) -> list[tuple[str, str, str]]:
        """Record file, field and policy of each erasure that no certificate here bears out."""
        return [
            (name, private, policy)
            for name, own, private, policy in self._claims
            if (private, policy) not in self._listed.get(own, set())
        ]


def policy_name(policy: object, version: object) -> str:
    """How a bundle names an erasure policy: `customer-request/1`."""
    return f"{policy}/{version}"
