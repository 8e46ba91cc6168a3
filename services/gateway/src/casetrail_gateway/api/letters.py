"""Messages that were set aside: listed, and handled again."""

from typing import Annotated

from casetrail_contracts import CommandReply
from casetrail_contracts.commands import HandleLetterBody
from casetrail_contracts.letters_api import DeadLetterPage
from fastapi import APIRouter, Path, Query

from casetrail_gateway.api import examples
from casetrail_gateway.api.desk import AtDesk
from casetrail_gateway.api.orders import AnOrder, post
from casetrail_gateway.api.parameters import Limit
from casetrail_gateway.api.reads import Reads
from casetrail_gateway.use_cases.letters import ListLetters
from casetrail_gateway.use_cases.looking import Read

LetterNumber = Annotated[int, Path(ge=1, lt=2**63, examples=[3])]
AfterLetter = Annotated[
    int, Query(ge=0, lt=2**63, description="`next_after` of the page before.", examples=[3])
]

reads = Reads("dead letters")
router = APIRouter(tags=["dead letters"])


@reads.get("/v1/dead-letters", DeadLetterPage, example=examples.DEAD_LETTERS)
def list_dead_letters(
    desk: AtDesk, *, after: AfterLetter = 0, limit: Limit = 50
) -> Read[DeadLetterPage]:
    """Messages that a service could not handle and set aside: why, and never what is in them."""
    return ListLetters(desk.wiring.stream, desk.caller, after=after, limit=limit)


@post(router, "/v1/dead-letters/{letter}/handle", example=examples.LETTER_HANDLED)
async def handle_dead_letter(
    order: AnOrder, letter: LetterNumber, body: HandleLetterBody
) -> CommandReply:
    """Gives a message to the handler that failed, once more; what it takes is set aside no longer.

    One that fails again stays where it was (409 `letter-failed-again`).
    """
    return await order.send.on_letter(order.asked, letter, body)
