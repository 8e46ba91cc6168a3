"""Archives as events of the contract; nothing in them is personal."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from casetrail_contracts import Actor, Event
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry.privacy import HoldCheck
from casetrail_contracts.registry.retention import RetentionArchived

SERVICE: Final = "audit"


def archived(
    workspace: str,
    state: Mapping[str, Any],
    *,
    stage: str,
    holds: Sequence[str],
    cause_id: str,
    version: int,
    at: datetime,
    erasure_id: str | None = None,
) -> Event:
    """Records went into a file, or a file was written again without values that were erased."""
    data = RetentionArchived.model_validate(
        {
            "actor": Actor(
                kind="service",
                id=SERVICE,
                rule=state["policy"],
                rule_version=state["policy_version"],
            ),
            "stage": stage,
            "log": state["log"],
            "file": state["file"],
            "sha256": state["sha256"],
            "bytes": state["bytes"],
            "count": state["records"],
            "ranges": state["ranges"],
            "rules": state["rules"],
            "tree_size": state["size"],
            "hold_check": HoldCheck(checked_at=at, holds=list(holds)),
            "erasure_id": erasure_id,
        }
    )
    return Event.build(
        data,
        workspace=workspace,
        source=SERVICE,
        subject=f"archive/{state['name']}",
        time=at,
        id=derive_id(cause_id, data.type_name),
        correlationid=cause_id,
        sequence=version,
    )
