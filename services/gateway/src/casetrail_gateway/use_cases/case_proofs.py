"""The proofs of a whole case at once, for a reader that checks them itself (the console's page)."""

from typing import Any, Final

from casetrail_evidence.base64text import encode_base64
from casetrail_evidence.merkle import inclusion_proof, inclusion_ranges, needed_nodes
from casetrail_evidence.tiles import tile_source, tiles_for

from casetrail_gateway.domain.errors import NotFound
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.ports import CaseRecords, Log, SealedTree
from casetrail_gateway.use_cases.cases import look_at
from casetrail_gateway.use_cases.finding import Finder
from casetrail_gateway.use_cases.looking import Look
from casetrail_gateway.use_cases.proofs import sealed_head

MOST: Final = 500
"""Records proven in one answer; a longer case is checked with its evidence bundle."""


class ReadCaseProofs:
    """The leaf inputs of a case's records with their inclusion proofs, and the signed checkpoint.

    Nothing is checked here: the point of it is that somebody else does.
    """

    def __init__(
        self,
        *,
        log: Log,
        tree: SealedTree,
        records: CaseRecords,
        finder: Finder,
        caller: Caller,
        case_id: str,
    ) -> None:
        self._log = log
        self._tree = tree
        self._records = records
        self._finder = finder
        self._caller = caller
        self._case_id = case_id

    async def look(self) -> Look:
        """The case, if it is theirs."""
        found = await self._finder.case(self._caller, self._case_id)
        return look_at("case_proofs", f"case/{self._case_id}", found)

    async def answer(self) -> dict[str, Any]:
        """`checkpoint`, `key`, and of each sealed record `seq`, `index`, `leaf_input`, `hashes`."""
        head = await sealed_head(self._tree)
        case = await self._log.case(self._caller.workspace, self._case_id)
        if case is None:
            raise NotFound("case", f"There is no case {self._case_id}.")
        linked = await self._log.tickets_concerning(self._caller.workspace, self._case_id)
        scope = case.scope(linked)
        records = await self._records.of_case(
            self._caller.workspace,
            scope,
            after=0,
            through=head.first_seq + head.size - 1,
            limit=MOST + 1,
        )
        indexes = [record.seq - head.first_seq for record in records[:MOST]]
        ranges = [part for index in indexes for part in inclusion_ranges(index, head.size)]
        tiles = await self._tree.tiles(sorted(tiles_for(needed_nodes(ranges))))
        source = tile_source(tiles)
        return {
            "checkpoint": head.checkpoint,
            "key": head.key,
            "more": len(records) > MOST,
            "records": [
                {
                    "seq": record.seq,
                    "index": index,
                    "leaf_input": record.leaf_input,
                    "hashes": [
                        encode_base64(value) for value in inclusion_proof(index, head.size, source)
                    ],
                }
                for record, index in zip(records, indexes, strict=False)
            ],
        }
