"""One round: every witness is shown the same checkpoint, and what they sign is kept."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog
from casetrail_evidence.errors import EvidenceError
from casetrail_evidence.merkle import consistency_proof, consistency_ranges, needed_nodes
from casetrail_evidence.tiles import tile_source, tiles_for

from casetrail_audit.sealing.ports import Fixed
from casetrail_audit.witnessing.ports import AskWitness, CosignedLog, SealedTree, Standing
from casetrail_audit.witnessing.protocol import (
    Answer,
    Cosigned,
    Refused,
    SawAnother,
    Witness,
    Witnesses,
    request_body,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Round:
    """What came of a round: the size that was shown, who signed it, and who did not and why.

    `contradicted` are those that saw another log under this name.
    """

    size: int
    signed: tuple[str, ...]
    problems: dict[str, str]
    contradicted: frozenset[str] = frozenset()


class AskWitnesses:
    """Shows the newest signed checkpoint to every witness that has not signed it.

    Sealing does not wait for it and does not hear of it. A checkpoint that at least `quorum` of
    them cosigned becomes the cosigned one that is shown.
    """

    def __init__(
        self,
        tree: SealedTree,
        cosigned: CosignedLog,
        ask: AskWitness,
        asked: Witnesses,
        clock: Callable[[], datetime],
    ) -> None:
        self._tree = tree
        self._cosigned = cosigned
        self._ask = ask
        self._asked = asked
        self._clock = clock

    async def __call__(self) -> Round | None:
        """The round; None when every witness has signed the newest checkpoint."""
        newest = await self._tree.newest()
        if newest is None or newest.note is None or newest.size == 0:
            return None
        known = await self._cosigned.standings()
        standings = [
            known.get(str(one.key)) or Standing(one.key.name, str(one.key))
            for one in self._asked.witnesses
        ]
        if all(standing.size == newest.size for standing in standings):
            return None
        asked = await asyncio.gather(
            *(
                self._shown(witness, newest, standing)
                for witness, standing in zip(self._asked.witnesses, standings, strict=True)
            )
        )
        standings = [standing for standing, _ in asked]
        signed = [one for one in standings if one.size == newest.size and one.line is not None]
        if len(signed) >= self._asked.quorum:
            note = newest.note + "".join(f"{one.line}\n" for one in signed)
            await self._cosigned.show(newest.size, note, len(signed), self._clock())
        return Round(
            newest.size,
            tuple(one.name for one in signed),
            {one.name: one.problem for one in standings if one.problem is not None},
            frozenset(one.name for one, contradicts in asked if contradicts),
        )

    async def _shown(
        self, witness: Witness, newest: Fixed, standing: Standing
    ) -> tuple[Standing, bool]:
        """How the witness stands after it was shown the checkpoint, and if it contradicts that.

        One that has signed it already is not asked.
        """
        if standing.size == newest.size:
            return standing, False
        try:
            answer = await self._agree(witness, newest, standing.size)
        except (ConnectionError, EvidenceError) as error:
            answer = Refused(str(error))
        if isinstance(answer, Cosigned):
            at = datetime.fromtimestamp(answer.at, UTC)
            line = answer.signature.line.removesuffix("\n")
            after = replace(standing, size=newest.size, line=line, cosigned_at=at, problem=None)
        else:
            if standing.problem != answer.why:
                log.warning("witness does not sign", witness=standing.name, why=answer.why)
            after = replace(standing, problem=answer.why)
        await self._cosigned.note(after)
        return after, isinstance(answer, Refused) and answer.contradicts

    async def _agree(self, witness: Witness, newest: Fixed, earlier: int) -> Cosigned | Refused:
        """Asks again once when the witness saw the log at another size than we remember."""
        answer = await self._once(witness, newest, min(earlier, newest.size))
        if isinstance(answer, SawAnother):
            if answer.size > newest.size:
                return Refused(
                    f"it saw this log with {answer.size} leaves, and it has {newest.size}: its end "
                    "was cut off, or the witness was shown a fork",
                    contradicts=True,
                )
            answer = await self._once(witness, newest, answer.size)
        if isinstance(answer, SawAnother):
            return Refused(f"it keeps answering that it saw another size ({answer.size})")
        return answer

    async def _once(self, witness: Witness, newest: Fixed, earlier: int) -> Answer:
        proof: list[bytes] = []
        if 0 < earlier < newest.size:
            nodes = needed_nodes(consistency_ranges(earlier, newest.size))
            tiles = await self._tree.tiles(sorted(tiles_for(nodes)))
            proof = consistency_proof(earlier, newest.size, tile_source(tiles))
        note = newest.note or ""
        return await self._ask(witness, request_body(earlier, proof, note), note)
