"""The pages of a bundle: pure functions of its documents, so that a verifier can make them again.

Nothing in them comes from anywhere else, and nothing they need is anywhere else: a page that says
something other than the records is noticed by making it again and comparing.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any, Final

from casetrail_evidence.bundle.chains import STATEMENT, History
from casetrail_evidence.bundle.choosing import sentence
from casetrail_evidence.bundle.document import BundledRecord, Manifest
from casetrail_evidence.bundle.telling import WORDS, PrivateField, Told, plain, told

Records = Callable[[], Iterable[BundledRecord]]
"""Gives the records of the bundle in order, as often as it is called."""

_SHORT: Final = 60
_README_PRINT: Final = """\
timeline.pdf    the same history as a print, made by the service that made this
                bundle. Whether its wording is that of the records is NOT
                checked, only that it is the file that manifest.json lists.
"""
_VERIFIER_PRINT: Final = """\
<p class="quiet">timeline.pdf is a print of the records. Of a bundle in a zip this page checks that
it is the file that the manifest lists; what it says is not compared with the records, and
timeline.html is compared by <code>casetrail-verify</code>.</p>
"""
_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"  # no locale may matter


def readme(manifest: Manifest, key: str, *, printed: bool = False) -> bytes:
    """README.txt; `printed` when there is a timeline.pdf."""
    text = _template("readme.txt")
    for mark, value in (
        ("@CASE@", manifest.case),
        ("@WORKSPACE@", manifest.workspace),
        ("@ORIGIN@", manifest.origin),
        ("@SIZE@", str(manifest.size)),
        ("@MADE_AT@", manifest.made_at),
        ("@DISCLOSURE@", sentence(manifest.disclosure)),
        ("@KEY@", key.strip()),
        ("@PRINT@", _README_PRINT if printed else ""),
    ):
        text = text.replace(mark, value)
    return text.encode()


def timeline(manifest: Manifest, records: Records, history: History) -> Iterator[bytes]:
    """timeline.html, piece by piece."""
    script = _template("timeline.js")
    head = (
        f"<h1>{_text(manifest.case)}: who did what, and when</h1>\n"
        '<p class="quiet">Made from the records of this bundle and from nothing else. '
        "Times are what was logged, in UTC and in the time zone of your computer. "
        "<code>casetrail-verify bundle</code> checks this page too.</p>\n"
        f"{_facts(manifest)}<h2>History</h2>\n"
    )
    yield _begin(f"{manifest.case}: timeline", script) + head.encode()
    yield from _entries(records, looks=False)
    yield b"<h2>Who looked at the case</h2>\n"
    yield from _entries(records, looks=True)
    chains = "".join(f"<li>{_text(chain.sentence)}</li>\n" for chain in history.chains)
    yield (
        f"<h2>Is anything left out?</h2>\n<ul>{chains}</ul>\n"
        f'<p class="quiet">Records without a version: {history.loose}. {_text(STATEMENT)}</p>\n'
        f"<script>{script}</script>\n</html>\n"
    ).encode()


def verifier(
    documents: Iterable[tuple[str, Callable[[], bytes]]], *, printed: bool = False
) -> Iterator[bytes]:
    """verify.html with these documents inside (all but README.txt and the timelines).

    A bundle without timeline.pdf gets the page that it always got, to the byte.
    """
    script = "".join(_template(name) for name in ("formats.js", "verify.js", "report.js"))
    script = script.replace("@PRINT@", "|timeline\\.pdf" if printed else "")
    body = _template("verify.html").replace("@PRINT@", _VERIFIER_PRINT if printed else "")
    yield _begin("Check of an evidence bundle", script) + body.encode()
    yield b'<script type="application/json" id="bundle">{'
    for number, (name, read) in enumerate(documents):
        text = f"{json.dumps(name)}:{json.dumps(read().decode(), ensure_ascii=False)}"
        safe = (
            text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
        )
        yield (f",{safe}" if number else safe).encode()
    yield f"}}</script>\n<script>{script}</script>\n</html>\n".encode()


def _begin(title: str, script: str) -> bytes:
    style = _template("style.css")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{style}</style>\n"
    ).encode()


def facts(manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """What a timeline says of the bundle as a whole, name by name."""
    return (
        ("Workspace", manifest.workspace),
        ("Log", manifest.origin),
        ("Entries in the log", str(manifest.size)),
        ("Root", base64.b64encode(manifest.root).decode()),
        ("Records of the case", str(manifest.records)),
        ("Made at", f"{manifest.made_at} (the maker's word)"),
        ("Disclosure", sentence(manifest.disclosure)),
    )


def _facts(manifest: Manifest) -> str:
    shown = "".join(
        f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>\n" for name, value in facts(manifest)
    )
    return f"<dl>{shown}</dl>\n"


def _entries(records: Records, *, looks: bool) -> Iterator[bytes]:
    yield b'<ol class="history">\n'
    for record in records():
        leaf = record.leaf
        line = told(record, leaf)
        if line.is_look is looks:
            yield _entry(line, leaf).encode()
    yield b"</ol>\n"


def _entry(line: Told, leaf: Mapping[str, Any]) -> str:
    behalf = "" if line.on_behalf_of is None else f", on behalf of {line.on_behalf_of}"
    version = "" if line.version is None else f", version {line.version}"
    by = f'<span class="quiet">by {_text(line.actor + behalf)}</span>'
    parts = [f"<p><strong>{_text(line.title)}</strong> {by}</p>"]
    parts += [f"<p>{_text(change)}</p>" for change in line.changes]
    if line.reason is not None:
        parts.append(f'<p dir="auto">Reason: {_text(line.reason)}</p>')
    parts += _private(line.private)
    if line.facts:
        parts.append(f'<p class="quiet">{_text(" · ".join(line.facts))}</p>')
    whole = json.dumps(leaf, indent=2, sort_keys=True, ensure_ascii=False)
    parts.append(
        f"<details><summary>record {line.seq} · {_text(line.target + version)} · recorded "
        f"{_text(in_utc(line.recorded_at))}</summary><pre>{_text(whole)}</pre></details>"
    )
    when = f'<div class="when">{_time(line.happened_at)}</div>'
    return f'<li>{when}<div class="what">{"".join(parts)}</div></li>\n'


def _private(fields: Iterable[PrivateField]) -> Iterator[str]:
    """Words first and as they are; short values in a line; what is long or technical folded up."""
    short, long = [], []
    held: dict[str, list[str]] = {}
    for field in fields:
        name, value = field.name.replace("_", " "), field.value
        if not field.shown:
            held.setdefault(field.state, []).append(name)
        elif field.name in WORDS and isinstance(value, str):
            yield f'<blockquote dir="auto">{_text(value)}</blockquote>'
        elif isinstance(value, str) and len(value) <= _SHORT:
            short.append(f"{name}: {value}")
        else:
            long.append(f"{name}: {plain(value)}")
    if short:
        yield f"<p>{_text(' · '.join(short))}</p>"
    if long:
        yield (
            "<details><summary>further personal values</summary>"
            f"<pre>{_text(chr(10).join(long))}</pre></details>"
        )
    for state, names in held.items():
        kind = "missing" if state == "missing" else "withheld"
        yield f'<p>{_text(", ".join(names))}: <span class="{kind}">{_text(state)}</span></p>'


def _time(text: str) -> str:
    moment = _parsed(text)
    if moment is None:
        return _text(text)
    return f'<time datetime="{moment.isoformat()}">{in_utc(text)}</time>'


def in_utc(text: str) -> str:
    """`22 Nov 2026, 10:14:00 UTC`; a text that is no moment as it is."""
    moment = _parsed(text)
    if moment is None:
        return text
    month = _MONTHS[3 * moment.month - 3 : 3 * moment.month]
    return f"{moment.day} {month} {moment.year:04d}, {moment:%H:%M:%S} UTC"


def _parsed(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _text(text: str) -> str:
    return escape(text, quote=True)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _template(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text("utf-8")
