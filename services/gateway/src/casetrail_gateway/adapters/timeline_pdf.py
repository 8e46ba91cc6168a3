"""timeline.pdf: the timeline of a bundle as a print, with Latin and Urdu text shaped.

A verifier cannot make it again byte for byte as it does with timeline.html, and the first page
says so. The same records give the same file: its date is that of the manifest, its id follows.
"""

import hashlib
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Final

import fontpkg
from casetrail_evidence.bundle.chains import STATEMENT, History
from casetrail_evidence.bundle.document import Manifest
from casetrail_evidence.bundle.pages import Records, facts, in_utc
from casetrail_evidence.bundle.telling import WORDS, Told, plain, told
from fontTools.ttLib import TTFont
from fpdf import FPDF

NOTICE: Final = (
    "This PDF is a print of the records, made by the gateway of the service. It proves nothing by "
    "itself: the proof is in the bundle that it came in. casetrail-verify checks that this is the "
    "file that the bundle's manifest lists, and does not vouch for its wording; it does vouch for "
    "timeline.html and the records. All times are in UTC."
)
_LATIN, _ARABIC = "Noto Sans", "Noto Sans Arabic"
_TITLE, _HEADING, _STRONG, _BODY, _SMALL = 18, 13, 11, 10, 8
_BLACK, _QUIET = 0, 95
_LINE: Final = 0.5
"""Millimetres of line height for each point of type; Urdu stands higher than Latin."""
_SPELLED: Final = {"\t": " ", "→": "->"}
_CHUNK: Final = 1 << 16


class _Print(FPDF):
    """An A4 document of short paragraphs, each in the direction of its text."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(format="A4")
        self._case = manifest.case
        self._id = hashlib.sha256(manifest.data).hexdigest()[:32].upper()
        # What stands for the number of pages; no text of a record can hold this.
        self._pages = f"{{{self._id}}}"
        self.alias_nb_pages(self._pages)
        self.set_creation_date(datetime.fromisoformat(manifest.made_at))
        self.set_title(f"{manifest.case}: timeline")
        self.set_creator("casetrail-gateway")
        self.set_lang("en")
        self.add_font(_LATIN, fname=fontpkg.path(_LATIN))
        self.add_font(_ARABIC, fname=fontpkg.path(_ARABIC))
        self.set_font(_LATIN, size=_BODY)
        self.set_fallback_fonts([_ARABIC])
        self.set_text_shaping(use_shaping_engine=True)
        self.set_auto_page_break(auto=True, margin=20)
        self.add_page()

    def file_id(self) -> str:
        """An id that follows from the manifest."""
        return f"<{self._id}><{self._id}>"

    def footer(self) -> None:
        """The case and the number of the page."""
        self.set_y(-14)
        self.say(f"{self._case} · page {self.page_no()} of {self._pages}", _SMALL, _QUIET)

    def say(self, text: str, size: int = _BODY, grey: int = _BLACK) -> None:
        """One paragraph."""
        self.set_font_size(size)
        self.set_text_color(grey)
        for line in printable(text).splitlines():
            align = "R" if _is_right_to_left(line) else "L"
            self.multi_cell(0, size * _LINE, line, align=align, new_x="LMARGIN", new_y="NEXT")


def print_timeline(manifest: Manifest, records: Records, history: History) -> Iterator[bytes]:
    """timeline.pdf in pieces."""
    page = _Print(manifest)
    page.say(f"{manifest.case}: who did what, and when", _TITLE)
    page.say(NOTICE)
    page.ln(3)
    for name, value in facts(manifest):
        page.say(f"{name}: {value}")
    for heading, looks in (("History", False), ("Who looked at the case", True)):
        page.ln(5)
        page.say(heading, _HEADING)
        for record in records():
            line = told(record, record.leaf)
            if line.is_look is looks:
                _entry(page, line)
    page.ln(5)
    page.say("Is anything left out?", _HEADING)
    for chain in history.chains:
        page.say(chain.sentence)
    page.say(f"Records without a version: {history.loose}. {STATEMENT}", _SMALL, _QUIET)
    data = bytes(page.output())
    for start in range(0, len(data), _CHUNK):
        yield data[start : start + _CHUNK]


def _entry(page: _Print, line: Told) -> None:
    behalf = "" if line.on_behalf_of is None else f", on behalf of {line.on_behalf_of}"
    version = "" if line.version is None else f", version {line.version}"
    page.ln(3)
    page.say(f"{in_utc(line.happened_at)} · {line.title}", _STRONG)
    page.say(f"by {line.actor}{behalf}", _BODY, _QUIET)
    for change in line.changes:
        page.say(change)
    if line.reason is not None:
        page.say("Reason:" if _is_right_to_left(line.reason) else f"Reason: {line.reason}")
        if _is_right_to_left(line.reason):
            page.say(line.reason)
    for field in line.private:
        name = field.name.replace("_", " ")
        if not field.shown:
            page.say(f"{name}: {field.state}", _BODY, _QUIET)
        elif field.name in WORDS:
            page.say(f"{name}:", _BODY, _QUIET)
            page.say(plain(field.value), _STRONG)
        else:
            page.say(f"{name}: {plain(field.value)}")
    if line.facts:
        page.say(" · ".join(line.facts), _SMALL, _QUIET)
    recorded = in_utc(line.recorded_at)
    page.say(f"record {line.seq} · {line.target}{version} · recorded {recorded}", _SMALL, _QUIET)


def printable(text: str) -> str:
    """The text with each character that the fonts do not have, or that turns its order, as U+….

    No box and no silent gap stands for what somebody wrote, and nobody's text reorders a line.
    """
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in "\n\r":
        return "\n"
    if character in _SPELLED:
        return _SPELLED[character]
    code = ord(character)
    joins = character in "\u200c\u200d"  # part of how Urdu is spelled
    seen = unicodedata.category(character) not in {"Cc", "Cf", "Zl", "Zp"} or joins
    return character if seen and code in _characters() else f"[U+{code:04X}]"


@cache
def _characters() -> frozenset[int]:
    """Every character that one of the fonts has a glyph for."""
    found: set[int] = set()
    for family in (_LATIN, _ARABIC):
        with TTFont(fontpkg.path(family), lazy=True) as font:
            found |= (font.getBestCmap() or {}).keys()
    return frozenset(found)


def _is_right_to_left(text: str) -> bool:
    """Whether the first letter with a direction is of a script that is written from the right."""
    ways = (unicodedata.bidirectional(character) for character in text)
    return next((way in {"R", "AL"} for way in ways if way in {"L", "R", "AL"}), False)
