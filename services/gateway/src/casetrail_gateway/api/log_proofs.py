"""Paths of the sealed tree: what anybody needs to check the log without trusting it.

Checkpoint, key, tiles and consistency proofs hold hashes and nothing of any case: they are public
and no look is recorded. A proof names a record, so it is a read like any other.
"""

from typing import Annotated, Any, Final

from casetrail_contracts.api import KeyRotations
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from casetrail_gateway.api.desk import AtDesk
from casetrail_gateway.api.parameters import Seq
from casetrail_gateway.api.reads import Reads, problems
from casetrail_gateway.api.wiring import wiring_of
from casetrail_gateway.domain.errors import NotFound
from casetrail_gateway.use_cases.looking import Read
from casetrail_gateway.use_cases.proofs import (
    ProveConsistency,
    ReadProof,
    ReadTile,
    sealed_head,
)

proofs = Reads("log")
log = APIRouter(tags=["log"])

_NEWEST: Final = {"Cache-Control": "no-cache"}
_FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_CHECKPOINT: Final = """\
casetrail.example/support
21
bBrMBqQxgFvzNQGsp3HKTqAAg/IYM9rMEaCFxMmkjSk=

— casetrail.example/support 1kVt9w…
"""
_KEY: Final = "casetrail.example/support+d6456df7+Ac5…"


def _answers(media_type: str, example: str, *statuses: int) -> dict[int | str, dict[str, Any]]:
    """The good answer, which is no JSON, and the errors."""
    content = {media_type: {"schema": {"type": "string"}, "example": example}}
    good: dict[int | str, dict[str, Any]] = {200: {"description": "As named.", "content": content}}
    return {**good, **problems(*statuses)}


Size = Annotated[int, Query(ge=0, lt=2**63)]


@proofs.get(
    "/v1/records/{seq}/proof",
    str,
    example="c2sp.org/tlog-proof@v1\nindex 11\n…",
    also=(500,),
)
def read_proof(desk: AtDesk, seq: Seq) -> Read[str]:
    """The proof that the record is in the signed tree, a `c2sp.org/tlog-proof@v1` text.

    Check it with `casetrail-verify proof FILE --key KEY --leaf-input RECORD`.
    """
    return ReadProof(desk.wiring.log, desk.wiring.tree, desk.caller, seq)


@log.get(
    "/log/checkpoint",
    response_class=PlainTextResponse,
    responses=_answers("text/plain", _CHECKPOINT, 404, 503),
)
async def read_checkpoint(request: Request) -> Response:
    """The newest checkpoint, a signed note (C2SP tlog-checkpoint)."""
    head = await sealed_head(wiring_of(request).tree)
    return PlainTextResponse(head.checkpoint, headers=_NEWEST)


@log.get(
    "/log/checkpoint/cosigned",
    response_class=PlainTextResponse,
    responses=_answers("text/plain", _CHECKPOINT, 404, 503),
)
async def read_cosigned_checkpoint(request: Request) -> Response:
    """The largest checkpoint that enough witnesses cosigned (C2SP tlog-cosignature).

    It is a few seconds older than the newest one, which begins with its tree.
    """
    cosigned = await wiring_of(request).tree.cosigned()
    if cosigned is None:
        raise NotFound(
            "cosigned-checkpoint",
            "No checkpoint is cosigned: no witness is asked, or too few have signed yet.",
        )
    return PlainTextResponse(cosigned.checkpoint, headers=_NEWEST)


@log.get(
    "/log/key",
    response_class=PlainTextResponse,
    responses=_answers("text/plain", _KEY, 404, 503),
)
async def read_key(request: Request) -> Response:
    """The verifier key of the log (C2SP signed-note): pin it, and compare it elsewhere first."""
    head = await sealed_head(wiring_of(request).tree)
    return PlainTextResponse(f"{head.key}\n", headers=_NEWEST)


@log.get("/log/rotations", responses=problems(503, example={"rotations": []}))
async def read_rotations(request: Request) -> KeyRotations:
    """The notes with which the log changed its key, each signed by the old and the new one."""
    return KeyRotations(rotations=list(await wiring_of(request).tree.rotations()))


@log.get(
    "/log/tile/{path:path}",
    response_class=Response,
    responses=_answers("application/octet-stream", "32 bytes a hash", 404, 422, 503),
)
async def read_tile(request: Request, path: str) -> Response:
    """A tile of hashes (C2SP tlog-tiles), `<L>/<N>` or `<L>/<N>.p/<W>`; it never changes."""
    data = await ReadTile(wiring_of(request).tree)(f"tile/{path}")
    return Response(data, media_type="application/octet-stream", headers=_FOR_EVER)


@log.get(
    "/log/consistency",
    response_class=PlainTextResponse,
    responses=_answers("text/plain", "one base64 hash a line", 400, 404, 422, 500, 503),
)
async def prove_consistency(
    request: Request,
    earlier: Annotated[Size, Query(alias="from")],
    later: Annotated[Size, Query(alias="to")],
) -> Response:
    """The proof that the tree of `to` leaves begins with that of `from`: one base64 hash a line."""
    text = await ProveConsistency(wiring_of(request).tree)(earlier, later)
    return PlainTextResponse(text, headers=_FOR_EVER)
