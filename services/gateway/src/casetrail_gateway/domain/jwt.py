"""What a JSON Web Token claims and whether that is taken; signatures are checked elsewhere."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, Final

from casetrail_gateway.domain.people import Caller, Role

LEEWAY: Final = 60
"""Seconds that the clocks of the issuer and of this machine may differ."""
_LONGEST: Final = 16_384
_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_WORKSPACE: Final = re.compile(r"[a-z0-9_-]{1,63}")
_ROLES: Final[tuple[Role, ...]] = ("admin", "lead", "reviewer", "agent", "service")
"""Of several the first counts."""


class TokenRefused(ValueError):
    """The token is not taken; the text says why, for the log, and holds nothing of the token."""


@dataclass(frozen=True, slots=True)
class Jwt:
    """A token taken apart: nothing of it is true before its signature is checked."""

    algorithm: str
    key_id: str
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes

    @classmethod
    def parse(cls, token: str, algorithms: Sequence[str]) -> "Jwt":
        """The parts; `TokenRefused` unless the algorithm is one of those and a key is named."""
        parts = token.split(".")
        if len(token) > _LONGEST or len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
            raise TokenRefused("is no JWT")
        header, claims = _object(parts[0]), _object(parts[1])
        algorithm, key_id = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in algorithms:
            raise TokenRefused("is signed by an algorithm that is not allowed")
        if not isinstance(key_id, str) or not key_id or "crit" in header:
            raise TokenRefused("names no key, or demands an extension")
        signed = f"{parts[0]}.{parts[1]}".encode()
        return cls(algorithm, key_id, claims, signed, decoded(parts[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the claims have to say, and which of them name the caller."""

    issuer: str
    audience: str
    id_claim: str
    role_claim: str
    workspace_claim: str

    def caller(self, claims: Mapping[str, Any], now: datetime) -> Caller:
        """Who it is; `TokenRefused` for another issuer, audience or time, or an unusable name."""
        moment = now.timestamp()
        audience = claims.get("aud")
        if claims.get("iss") != self.issuer:
            raise TokenRefused("is of another issuer")
        if self.audience not in (audience if isinstance(audience, list) else [audience]):
            raise TokenRefused("is meant for another audience")
        expires = _time(claims.get("exp"))
        begins = _time(claims.get("nbf", claims.get("iat", 0)))
        if moment >= expires + LEEWAY:
            raise TokenRefused("has expired")
        if moment < begins - LEEWAY:
            raise TokenRefused("is not valid yet")
        return self._caller(claims)

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        id_, workspace = claims.get(self.id_claim), claims.get(self.workspace_claim)
        given = claims.get(self.role_claim)
        roles = given if isinstance(given, list) else [given]
        role = next((known for known in _ROLES if known in roles), None)
        if not isinstance(id_, str) or _ID.fullmatch(id_) is None:
            raise TokenRefused(f"has no usable id in {self.id_claim}")
        if not isinstance(workspace, str) or _WORKSPACE.fullmatch(workspace) is None:
            raise TokenRefused(f"has no workspace in {self.workspace_claim}")
        if role is None:
            raise TokenRefused(f"has no role of ours in {self.role_claim}")
        name = claims.get("name")
        return Caller(id_, name[:200] if isinstance(name, str) and name else id_, role, workspace)


def decoded(text: str) -> bytes:
    """The bytes of base64url without padding."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise TokenRefused("is not base64url") from None


def _object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(decoded(text))
    except (ValueError, RecursionError):
        raise TokenRefused("is not JSON") from None
    if not isinstance(value, dict):
        raise TokenRefused("is not a JSON object")
    return value


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise TokenRefused("does not say from when to when it is valid")
    return value
