"""The console's words in a language: English, Urdu.

What a record says (its sentence, reasons, texts of people) stays as the log has it; what the
console says around it is translated. A test holds both files to the same names.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from starlette.requests import Request

LANGUAGES: Final = {"en": "English", "ur": "اردو"}
COOKIE: Final = "casetrail_language"
_RIGHT_TO_LEFT: Final = frozenset({"ur"})


@dataclass(frozen=True, slots=True)
class Words:
    """One language."""

    language: str
    said: dict[str, Any]

    @classmethod
    def of(cls, language: str) -> "Words":
        """The words of this language."""
        return cls(language, _read(language))

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return "rtl" if self.language in _RIGHT_TO_LEFT else "ltr"

    def __call__(self, name: str, /, **values: Any) -> str:
        """The words of this name with the values in their places.

        Without values the places stay: a script on the page fills them.
        """
        words = str(self.said[name])
        return words.format(**values) if values else words

    def action(self, action: str) -> str:
        """What kind of thing happened, in two or three words."""
        actions: dict[str, str] = self.said["actions"]
        return actions.get(action) or action.replace("_", " ").replace(".", ": ")

    def kind(self, group: str, name: str | None) -> str:
        """A word of a small group (`status`, `actor`, `holder`); the name itself when unknown."""
        known: dict[str, str] = self.said[group]
        return known.get(name or "", (name or "").replace("_", " "))


@cache
def _read(language: str) -> dict[str, Any]:
    text = (files(__package__) / "languages" / f"{language}.json").read_text("utf-8")
    words: dict[str, Any] = json.loads(text)
    return words


def language_of(request: Request) -> str:
    """The language chosen, else the first one the browser asks for that is spoken here."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    for part in request.headers.get("accept-language", "").split(","):
        code = part.strip()[:2].lower()
        if code in LANGUAGES:
            return code
    return "en"
