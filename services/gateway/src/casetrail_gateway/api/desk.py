"""What a route gets of the request: the caller and the ports."""

import re
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Header, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from casetrail_gateway.api.wiring import Wiring, wiring_of
from casetrail_gateway.domain.errors import HeaderMalformed
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.use_cases.finding import Finder


@dataclass(frozen=True, slots=True)
class Desk:
    """One caller in front of the ports."""

    caller: Caller
    correlation_id: str
    wiring: Wiring

    @property
    def finder(self) -> Finder:
        """Finds cases and tickets for the caller."""
        return Finder(self.wiring.log, self.wiring.stream, self.wiring.patience)


class _TokenAtDesk(SecurityBase):
    """The desk, with the scheme in the OpenAPI document: the gate has checked the token already."""

    def __init__(self) -> None:
        self.model = HTTPBearer(description="An API token of the tokens file.")
        self.scheme_name = "token"

    async def __call__(self, request: Request) -> Desk:
        state = request.scope["state"]
        return Desk(state["caller"], state["correlation_id"], wiring_of(request))


AtDesk = Annotated[Desk, Depends(_TokenAtDesk())]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the headers of a command say."""

    idempotency_key: str | None
    expected_version: int | None


async def _conditions(
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            pattern=r"^[\x21-\x7e]+$",
            description="The same key again answers the same result; nothing is done twice.",
            examples=["0b8f5f5e-1d0c-4b52-9f53-3f3f8f0c2a11"],
        ),
    ] = None,
    if_match: Annotated[
        str | None,
        Header(
            max_length=80,
            description='The version that is meant to be changed, as "3": refused with 409 when '
            "the case or ticket has moved on.",
            examples=['"3"'],
        ),
    ] = None,
) -> Conditions:
    return Conditions(idempotency_key, None if if_match is None else version_of(if_match))


AtConditions = Annotated[Conditions, Depends(_conditions)]


_VERSION: Final = re.compile(r"([0-9]{1,18})(-[0-9a-f]{32})?")
"""A version, alone or at the head of an ETag."""


def version_of(if_match: str) -> int | None:
    """The version an `If-Match` header names; None for `*`.

    Raises:
        HeaderMalformed: when it is no version.
    """
    text = if_match.strip()
    if text == "*":
        return None
    found = _VERSION.fullmatch(text.removeprefix("W/").removeprefix('"').removesuffix('"'))
    if found is None:
        raise HeaderMalformed(
            'If-Match is not a version: send the number in quotes, like "3", or the ETag of a case '
            "or ticket."
        )
    return int(found.group(1))
