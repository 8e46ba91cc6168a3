"""Who is signed in: a signed cookie, and the token that guards every form.

The cookie holds no token, only the digest by which the tokens file knows it, so a token that is
taken out of the file ends its sessions at once. Format: base64url(JSON) "." base64url(HMAC-SHA256).
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Final

from casetrail_gateway.domain.people import Caller
from casetrail_gateway.ports import Tokens

COOKIE: Final = "casetrail_session"
LASTS: Final = 8 * 3600
"""Seconds: a shift."""
_TAG: Final = b"casetrail console session v1\0"
_FORM_TAG: Final = b"casetrail console form v1\0"


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in of one person."""

    caller: Caller
    digest: str
    nonce: str


class Sessions:
    """Makes and reads the cookies of one signing key."""

    def __init__(self, key: bytes, tokens: Tokens) -> None:
        self._key = key
        self._tokens = tokens

    def begin(self, token: str, now: float) -> str | None:
        """The cookie for whoever holds this token; None for a token that is not good."""
        if self._tokens.holder_of(token) is None:
            return None
        said = {
            "t": digest_of(token),
            "n": secrets.token_urlsafe(16),  # new at every sign-in: no session can be fixed before
            "x": int(now) + LASTS,
        }
        body = _encoded(json.dumps(said, separators=(",", ":")).encode())
        return f"{body}.{_encoded(self._mac(_TAG, body))}"

    def read(self, cookie: str | None, now: float) -> Session | None:
        """The session of a cookie; None when it is not ours, is over, or its token is gone."""
        body, _, mac = (cookie or "").partition(".")
        if not hmac.compare_digest(_encoded(self._mac(_TAG, body)).encode(), mac.encode()):
            return None
        said = json.loads(_decoded(body))
        if said["x"] <= now:
            return None
        caller = self._tokens.holder_by_digest(said["t"])
        return None if caller is None else Session(caller, said["t"], said["n"])

    def form_token(self, session: Session) -> str:
        """What every form of this session carries and no other site can know."""
        return _encoded(self._mac(_FORM_TAG, f"{session.digest} {session.nonce}"))

    def form_is_ours(self, session: Session, given: str) -> bool:
        """True when a form was made by this console for this session."""
        return hmac.compare_digest(self.form_token(session).encode(), given.encode())

    def _mac(self, tag: bytes, text: str) -> bytes:
        return hmac.new(self._key, tag + text.encode("utf-8", "replace"), hashlib.sha256).digest()


def digest_of(token: str) -> str:
    """The SHA-256 of a token, hex: how the tokens file knows it."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
