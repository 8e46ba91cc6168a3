"""Taking personal data and secrets out of what is written down: log lines, dead-letter reasons.

Two rules together: a value under a telling key is never shown, and strings lose what looks like a
phone number, a provider's message id, a token or a password wherever they stand.
"""

import re
import traceback
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

HIDDEN: Final = "[redacted]"
LONGEST: Final = 2_000
"""Characters of one string that are kept; a message body pasted into a log line ends here."""

_KEYS: Final = frozenset(
    {
        "address",
        "authorization",
        "body",
        "bsuid",
        "captions",
        "caption",
        "content",
        "cookie",
        "credentials",
        "customer",
        "data",
        "email",
        "jwt",
        "msisdn",
        "note",
        "notes",
        "passphrase",
        "password",
        "payload",
        "phone",
        "phones",
        "private",
        "raw",
        "salt",
        "secret",
        "secrets",
        "signature",
        "text",
        "title",
        "token",
        "tokens",
        "username",
        "wa_id",
        "wamid",
    }
)
"""A key is telling when it, or its last word (`customer_phone`, `accessToken`), is one of these."""

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SECRETS = re.compile(
    r"""
      (?P<keep> \b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b   # a UUID
              | \b(?=[0-9a-f]*[a-f])[0-9a-f]{32,}\b                                # a hash
              | \b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?            # a date
      )
    | (?P<wamid> \bwamid\.\S+ )
    | (?P<jwt> \beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)? )
    | (?P<bearer> \b(?:bearer|basic)\s+[\w.~+/=-]+ )
    | (?P<login> (?<=://)[^\s/@]+@ )
    | (?P<pair> \b[\w-]*(?:token|secret|password|signature|api_key)\b
        ["']?\s*[=:]\s*["']?[^\s&"',}]+ )
    | (?P<phone> (?<![\d.]) \+?\(?\d (?:[ ().-]{0,2}\d){8,14} (?!\d) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_FREE_TEXT = re.compile(r"(?P<quote>['\"]).*?\s.*?(?P=quote)", re.DOTALL)


def _hide(match: re.Match[str]) -> str:
    return match[0] if match.lastgroup == "keep" else HIDDEN


def redact_text(text: str) -> str:
    """The text without phone numbers, provider ids, tokens and passwords, cut to a sane length."""
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
    return _SECRETS.sub(_hide, cut)


def is_telling(key: str) -> bool:
    """Whether a value under this key is personal or secret by its name alone."""
    lowered = key.lower().replace("-", "_")
    words = _WORDS.findall(key)
    return lowered in _KEYS or bool(words and words[-1].lower() in _KEYS)


def redact(value: Any) -> Any:
    """The value, of any JSON-like shape, in a form that may be logged.

    Numbers long enough to be a phone number are hidden; bytes become their length; objects of
    unknown types become the name of their type, because their `repr` could show anything.
    """
    if value is None or isinstance(value, (bool, float)):
        shown: Any = value
    elif isinstance(value, int):
        shown = HIDDEN if 10 <= len(str(abs(value))) <= 15 else value  # noqa: PLR2004 - E.164
    elif isinstance(value, str):
        shown = redact_text(value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        shown = f"[{len(value)} bytes]"
    elif isinstance(value, Mapping):
        shown = {redact_text(str(key)): redact_item(str(key), item) for key, item in value.items()}
    elif isinstance(value, (list, tuple, set, frozenset)):
        shown = [redact(item) for item in value]
    elif isinstance(value, BaseException):
        shown = describe_error(value)
    else:
        shown = _shown(value)
    return shown


def redact_item(key: str, value: Any) -> Any:
    """The value that stands under this key, hidden altogether when the key is telling."""
    return HIDDEN if is_telling(key) and value is not None else redact(value)


def _shown(value: object) -> str:
    """Simple values (dates, paths, enums, UUIDs) by their text, everything else by its type."""
    name = type(value).__name__
    if isinstance(value, BaseModel) or type(value).__str__ is object.__str__:
        return f"[{name}]"
    if hasattr(value, "__dataclass_fields__"):
        return f"[{name}]"
    return redact_text(str(value))


def describe_error(error: BaseException) -> str:
    """The error in one line: its type and message without personal data or secrets.

    Validation errors name the fields and the faults, never the input. Quoted passages that contain
    a space are hidden, because messages tend to quote what they could not take.
    """
    name = type(error).__name__
    if isinstance(error, ValidationError):
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        text = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'body'}: {fault['type']}"
            for fault in faults[:5]
        )
    else:
        text = redact_text(_FREE_TEXT.sub(HIDDEN, str(error)))[:300]
    return " ".join(f"{name}: {text}".split()) if text else name


def describe_traceback(error: BaseException) -> str:
    """The error and its causes, innermost last: a line each, followed by its frames.

    A frame is `file:line function`; source lines and local values are left out.
    """
    return "\n".join(_traceback_lines(error))


def _traceback_lines(error: BaseException) -> Iterator[str]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield describe_error(link)
        for frame in traceback.extract_tb(link.__traceback__):
            parts = frame.filename.replace("\\", "/").split("/")
            yield f"  {'/'.join(parts[-3:])}:{frame.lineno} {frame.name}"
        if link.__cause__ is not None:
            link = link.__cause__
        else:
            link = None if link.__suppress_context__ else link.__context__
