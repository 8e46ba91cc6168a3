"""Notices about the business's own account, numbers, templates and flows: one row per `field`.

A row says which event the field becomes, which key holds WhatsApp's word for what happened, and
which plain values are worth telling in public. Everything else stays in `private.raw`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from casetrail_contracts.envelope import Event
from casetrail_contracts.registry.channel import (
    AccountChanged,
    ChannelNotice,
    FlowChanged,
    NumberChanged,
    TemplateChanged,
)

from casetrail_ingest.domain.reading import WHATSAPP
from casetrail_ingest.domain.typed.frame import Frame, errors_of, mapping, word
from casetrail_ingest.domain.webhook import Json, text_of


@dataclass(frozen=True)
class Row:
    """How one field is told. Paths are keys joined by dots; of a list the first element is taken.

    `notice` are the paths of the word for what happened, the first that is there counts; `default`
    is the word when none is. `about` are further fields of the event and their paths.
    """

    event: type[ChannelNotice]
    notice: tuple[str, ...] = ("event",)
    default: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)


_TEMPLATE: Final = {
    "template_id": "message_template_id",
    "template_name": "message_template_name",
    "language": "message_template_language",
}

NOTICES: Final[dict[str, Row]] = {
    "account_update": Row(
        AccountChanged,
        facts={
            "ban": "ban_info.waba_ban_state",
            "violation": "violation_info.violation_type",
            "restriction": "restriction_info.restriction_type",
            "country": "country",
            "tier": "volume_tier_info.tier",
            "certification": "partner_client_certification_info.status",
        },
    ),
    "account_review_update": Row(AccountChanged, ("decision",)),
    "account_alerts": Row(
        AccountChanged,
        ("alert_type", "alert_info.alert_type"),
        "alert",
        {
            "severity": "alert_severity",
            "alert_severity": "alert_info.alert_severity",
            "status": "alert_status",
            "alert_status": "alert_info.alert_status",
            "entity": "entity_type",
        },
    ),
    "business_capability_update": Row(
        AccountChanged,
        (),
        "capability",
        {
            "conversations_per_phone": "max_daily_conversation_per_phone",
            "conversations_per_business": "max_daily_conversations_per_business",
            "numbers_per_business": "max_phone_numbers_per_business",
            "numbers_per_account": "max_phone_numbers_per_waba",
        },
    ),
    "partner_solutions": Row(AccountChanged, facts={"solution": "solution_status"}),
    "payment_configuration_update": Row(
        AccountChanged,
        ("status",),
        "payment configuration",
        {"configuration": "configuration_name", "provider": "provider_name"},
    ),
    "account_settings_update": Row(
        NumberChanged, ("type",), "settings", {"calling": "phone_number_settings.calling.status"}
    ),
    "phone_number_name_update": Row(
        NumberChanged, ("decision",), facts={"rejection": "rejection_reason"}
    ),
    "phone_number_quality_update": Row(
        NumberChanged,
        facts={
            "old": "old_limit",
            "new": "current_limit",
            "conversations_per_business": "max_daily_conversations_per_business",
        },
    ),
    "business_username_update": Row(NumberChanged, ("status",), "username"),
    "business_username_updates": Row(NumberChanged, ("status",), "username"),
    "security": Row(NumberChanged, default="security"),
    "message_template_status_update": Row(
        TemplateChanged,
        facts={"category": "message_template_category", "reason": "reason"},
        about=_TEMPLATE,
    ),
    "message_template_quality_update": Row(
        TemplateChanged,
        (),
        "quality",
        {"old": "previous_quality_score", "new": "new_quality_score"},
        _TEMPLATE,
    ),
    "message_template_components_update": Row(TemplateChanged, (), "components", {}, _TEMPLATE),
    "template_category_update": Row(
        TemplateChanged,
        (),
        "category",
        {"old": "previous_category", "new": "new_category", "correct": "correct_category"},
        _TEMPLATE,
    ),
    "flows": Row(
        FlowChanged,
        facts={
            "old": "old_status",
            "new": "new_status",
            "alert": "alert_state",
            "threshold": "threshold",
            "error_rate": "error_rate",
        },
        about={"flow_id": "flow_id"},
    ),
}


def notice_of(name: str) -> Callable[[Frame], Event | None]:
    """The maker of the events of one field."""
    row = NOTICES[name]

    def tell(frame: Frame) -> Event | None:
        return notice(frame, row, name)

    return tell


def notice(frame: Frame, row: Row, name: str) -> Event | None:
    """The event of a change that is one notice; None for one that says nothing at all."""
    body = frame.body
    if not body:
        return None
    found = next((w for path in row.notice if (w := word(_at(body, path))) is not None), None)
    data = row.event(
        actor=WHATSAPP,
        notice=row.default if found is None else found,
        facts=facts_of(body, row.facts),
        errors=errors_of(body.get("errors")),
        **{key: text_of(body.get(path)) for key, path in row.about.items()},
        **frame.shared(),
    )
    entry, time = frame.item.entry_id or "", frame.item.entry_time or ""
    where = frame.number or frame.item.entry_id or "whatsapp"
    return frame.event(
        data, subject=f"channel/{where}", identity=("notice", name, entry, time, frame.digest())
    )


def facts_of(body: Json, paths: dict[str, str]) -> dict[str, str | int | float | bool]:
    """The plain values at these paths, those that are there."""
    found = {name: _at(body, path) for name, path in paths.items()}
    return {
        name: value[:100] if isinstance(value, str) else value
        for name, value in found.items()
        if isinstance(value, str | bool | int | float) and value != ""
    }


def _at(body: Json, path: str) -> Any:
    value: Any = body
    for key in path.split("."):
        if isinstance(value, list):
            value = value[0] if value else None
        value = mapping(value).get(key)
    return value
