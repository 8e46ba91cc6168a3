"""Templates, and the filters that put times, durations and people into words."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from casetrail_gateway.console.drawing import duration
from casetrail_gateway.console.words import LANGUAGES, Words


class Templates:
    """The compiled templates."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("casetrail_gateway.console", "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            moment=moment, clock=clock, duration=duration, who=who, value=value
        )
        self._environment.globals.update(asset=asset, languages=LANGUAGES)

    def render(self, name: str, words: Words, context: Mapping[str, Any]) -> str:
        """The page as text."""
        return self._environment.get_template(name).render(t=words, **context)


def moment(at: datetime | None, empty: str = "—") -> Markup | str:
    """A date and time; the script shows it in the reader's zone, the title says it exactly."""
    return empty if at is None else _time(at, f"{_utc(at):%d %b %Y, %H:%M}", "moment")


def clock(at: datetime | None) -> Markup | str:
    """The time of day to the second; the date stands in the title."""
    return "—" if at is None else _time(at, f"{_utc(at):%H:%M:%S}", "clock")


def _time(at: datetime, shown: str, shape: str) -> Markup:
    exact = _utc(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Markup('<time datetime="{0}" title="{0}" data-shape="{1}">{2}</time>').format(
        exact, shape, shown
    )


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def who(reference: str | None, name: str | None = None) -> str:
    """A person as people call them: their name, else the id without its kind."""
    return name or (reference or "").rpartition(":")[2]


def value(given: Any) -> Markup | str:
    """An old or new value of a change in plain words."""
    if given is None or given in ("", []):
        return Markup("<span class=quiet>—</span>")
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, list):
        return Markup(", ").join(escape(value(item)) for item in given)
    if isinstance(given, dict):
        return Markup("; ").join(escape(f"{k}: {v}") for k, v in given.items() if v is not None)
    return given.replace("_", " ") if _A_WORD.fullmatch(str(given)) else str(given)


_A_WORD: Final = re.compile(r"[a-z]+(_[a-z]+)*")
"""A state or another word of ours; what people wrote is shown as it is."""

STATIC: Final = {
    "console.css": ("casetrail_gateway.console", "static/console.css", "text/css"),
    "console.js": ("casetrail_gateway.console", "static/console.js", "text/javascript"),
    "quality.js": ("casetrail_gateway.console", "static/quality.js", "text/javascript"),
    "verify.js": ("casetrail_gateway.console", "static/verify.js", "text/javascript"),
    "formats.js": (
        "casetrail_evidence.bundle",
        "templates/formats.js",
        "text/javascript",
    ),
    "mark.svg": ("casetrail_gateway.console", "static/mark.svg", "image/svg+xml"),
}
"""What a page may load: its place in a package, and its type. The check of proofs in the browser
is the one that stands in every evidence bundle."""


@cache
def static_file(name: str) -> tuple[bytes, str]:
    """The bytes and the type of a file; `KeyError` for a name that is not served."""
    package, path, media_type = STATIC[name]
    return files(package).joinpath(path).read_bytes(), media_type


def asset(name: str) -> str:
    """The address of a file, with its digest: a browser keeps it until it changes."""
    return f"/static/{hashlib.sha256(static_file(name)[0]).hexdigest()[:12]}/{name}"
