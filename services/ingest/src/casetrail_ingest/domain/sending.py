"""A message to a customer: the request WhatsApp takes, and what its errors mean.

Source: Meta's Cloud API reference, `POST /<PHONE_NUMBER_ID>/messages`, and its table of error
codes. `to` is WhatsApp's number, `recipient` a business-scoped user id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Json = dict[str, Any]

PASSING_CODES: Final = frozenset({1, 2, 4, 80007, 130429, 131000, 131016, 131056, 131057, 133016})
"""Unknown or temporary faults, and rates that were reached: the same request may pass later."""
_PASSING_STATUS: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Letter:
    """What goes to whom; `about` is WhatsApp's id of the message answered or reacted to."""

    kind: str
    content: Any
    wa_id: str | None
    user_id: str | None
    about: str | None = None

    def request(self, mark: str) -> Json:
        """The body of the request; `mark` comes back in every status of the message."""
        request: Json = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "type": self.kind,
            self.kind: self.content,
            "biz_opaque_callback_data": mark,
        }
        if self.wa_id is not None:
            request["to"] = self.wa_id
        else:
            request["recipient"] = self.user_id
        if self.about is not None and self.kind == "reaction":
            request["reaction"] = {**self.content, "message_id": self.about}
        elif self.about is not None:
            request["context"] = {"message_id": self.about}
        return request


@dataclass(frozen=True, slots=True)
class Accepted:
    """WhatsApp took the message and gave it this id."""

    wamid: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """What came instead; `again` when the same request may pass, after `wait` seconds if given."""

    outcome: Literal["refused", "unreachable", "unknown"]
    again: bool
    code: int | None = None
    title: str | None = None
    wait: float | None = None


def understood(status: int, answer: Any, wait: float | None = None) -> Accepted | NotSent:
    """What an answer of the Graph API says, whatever its shape."""
    if status == 200:  # noqa: PLR2004 - the one status that means accepted
        wamid = _wamid(answer)
        if wamid is not None:
            return Accepted(wamid)
        return NotSent("unknown", again=False, title="WhatsApp's answer names no message")
    error = answer.get("error") if isinstance(answer, Mapping) else None
    error = error if isinstance(error, Mapping) else {}
    code, title = error.get("code"), error.get("message")
    code = code if isinstance(code, int) and not isinstance(code, bool) else None
    passing = code in PASSING_CODES if code is not None else status in _PASSING_STATUS
    return NotSent(
        "refused",
        again=passing or status in _PASSING_STATUS,
        code=code,
        title=title[:300] if isinstance(title, str) else f"HTTP status {status}",
        wait=wait,
    )


def _wamid(answer: Any) -> str | None:
    messages = answer.get("messages") if isinstance(answer, Mapping) else None
    first = messages[0] if isinstance(messages, list) and messages else None
    found = first.get("id") if isinstance(first, Mapping) else None
    return found if isinstance(found, str) and found else None
