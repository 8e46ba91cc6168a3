"""Witnesses on real servers: what they sign is shown, what they refuse is told, nothing waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from casetrail_audit.sealing.mongo_tree import MongoSealedLog
from casetrail_audit.witnessing.ask import AskWitnesses, Round
from casetrail_audit.witnessing.http_witness import HttpWitnesses
from casetrail_audit.witnessing.mongo_cosigned import MongoCosigned
from casetrail_audit.witnessing.protocol import Witness, Witnesses
from casetrail_evidence.checkpoint import VerifiedCheckpoint, open_checkpoint
from casetrail_evidence.errors import WitnessesMissing
from casetrail_evidence.keys import VerifierKey
from casetrail_runtime.mongo import Database
from starlette.responses import PlainTextResponse, Response

from tests.support.sealing import LOG, SIGNER, SealedDesk, clock
from tests.support.witness import WitnessServer, serving


class Witnessed:
    """A sealed log with witnesses."""

    def __init__(self, db: Database, witnesses: list[WitnessServer], http: HttpWitnesses) -> None:
        self.desk = SealedDesk(db)
        self.witnesses = witnesses
        self.keys = [VerifierKey.parse(one.key) for one in witnesses]
        self.cosigned = MongoCosigned(db)
        self._http = http
        self.seal = self.desk.sealer()

    async def grow(self, count: int) -> None:
        """So many leaves more, sealed."""
        await self.desk.grow(count)
        await self.seal()

    async def ask(self, quorum: int = 2) -> Round | None:
        """One round."""
        pairs = zip(self.keys, self.witnesses, strict=True)
        asked = Witnesses(tuple(Witness(key, witness.url) for key, witness in pairs), quorum)
        tree = MongoSealedLog(self.desk.db, LOG)
        return await AskWitnesses(tree, self.cosigned, self._http, asked, clock)()

    async def shown(self, quorum: int = 2) -> VerifiedCheckpoint:
        """The cosigned checkpoint, verified."""
        row = await self.desk.db["tree"].find_one({"_id": "cosigned"})
        assert row is not None
        return open_checkpoint(
            row["checkpoint"], [SIGNER.verifier], witnesses=self.keys, quorum=quorum
        )


@pytest.fixture
async def log(mongo_db: Database) -> AsyncIterator[Witnessed]:
    """A log with three witnesses that run."""
    async with AsyncExitStack() as stack:
        witnesses = [
            await stack.enter_async_context(
                serving(WitnessServer(f"witness.example/{n}", str(SIGNER.verifier)))
            )
            for n in range(3)
        ]
        http = HttpWitnesses()
        yield Witnessed(mongo_db, witnesses, http)
        await http.close()


async def test_witnesses_follow_a_log_that_grows(log: Witnessed) -> None:
    """INVARIANT I7: each size is proven to begin with the one signed before, by their own check."""
    assert await log.ask() is None  # nothing is sealed
    for count in (1, 2, 300, 255, 1):
        await log.grow(count)
        done = await log.ask()
        assert done is not None
        assert (len(done.signed), done.problems) == (3, {})
        opened = await log.shown(quorum=3)
        assert opened.checkpoint.size == len(log.desk.leaves) == log.witnesses[0].size
        assert opened.checkpoint.root == log.desk.root() == log.witnesses[0].root
        assert {one.timestamp for one in opened.cosigned_by} == {1_795_000_000}
    assert await log.ask() is None
    assert [len(one.asked) for one in log.witnesses] == [5, 5, 5]


async def test_a_quorum_is_enough_and_fewer_are_not(log: Witnessed) -> None:
    """What is shown stays the larger cosigned tree; sealing goes on whatever witnesses do."""
    await log.grow(10)
    log.witnesses[0].broken = Response(status_code=500)
    done = await log.ask()
    assert done is not None
    assert len(done.signed) == 2
    assert "500" in done.problems["witness.example/0"]
    assert (await log.shown()).checkpoint.size == 10
    with pytest.raises(WitnessesMissing):
        await log.shown(quorum=3)
    log.witnesses[1].broken = Response(status_code=403)
    await log.grow(10)
    done = await log.ask()
    assert done is not None
    assert done.signed == ("witness.example/2",)
    assert "does not know the key" in done.problems["witness.example/1"]
    assert (await log.shown()).checkpoint.size == 10
    log.witnesses[0].broken = log.witnesses[1].broken = None
    await log.ask()
    assert [len(one.asked) for one in log.witnesses] == [3, 3, 2]
    assert (await log.shown(quorum=3)).checkpoint.size == 20


async def test_a_witness_that_remembers_another_size_is_asked_from_there(log: Witnessed) -> None:
    """C2SP tlog-witness, 409 with its size: after a restored database, or a second asker."""
    await log.grow(7)
    await log.ask()
    await log.desk.db["witnesses"].delete_many({})
    await log.grow(30)
    done = await log.ask()
    assert done is not None
    assert len(done.signed) == 3
    assert [len(one.asked) for one in log.witnesses] == [3, 3, 3]


async def test_a_fork_is_refused_and_told(log: Witnessed) -> None:
    """INVARIANT I7: rewritten history, signed with our own key, gets no cosignature."""
    await log.grow(40)
    await log.ask()
    cosigned = await log.shown()
    forked = Witnessed(log.desk.db, log.witnesses, HttpWitnesses())
    for name in ("records", "tiles", "checkpoints", "tree", "witnesses", "keys"):
        await log.desk.db[name].delete_many({})
    forked.desk.first_seq = 2  # other records from the first leaf on
    await forked.grow(50)
    done = await forked.ask()
    assert done is not None
    assert done.signed == ()
    assert all("does not begin with the one it saw" in why for why in done.problems.values())
    assert done.contradicted == {one.name for one in log.witnesses}
    assert await log.desk.db["tree"].find_one({"_id": "cosigned"}) is None
    assert all(one.root == cosigned.checkpoint.root for one in log.witnesses)
    standings = await forked.cosigned.standings()
    assert all("another log" in (one.problem or "") for one in standings.values())


async def test_a_log_that_was_cut_off_is_told(log: Witnessed) -> None:
    """INVARIANT I7: the witness saw more leaves than there are."""
    await log.grow(40)
    await log.ask()
    for name in ("records", "tiles", "checkpoints", "tree"):
        await log.desk.db[name].delete_many({})
    cut = Witnessed(log.desk.db, log.witnesses, HttpWitnesses())
    await cut.grow(20)
    done = await cut.ask()
    assert done is not None
    assert done.signed == ()
    assert all("its end was cut off" in why for why in done.problems.values())
    assert done.contradicted == {one.name for one in log.witnesses}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (PlainTextResponse("\N{EM DASH} someone else AAAAAAAAAAAA\n"), "no cosignature by its key"),
        (PlainTextResponse("ok"), "no cosignature by its key"),
        (PlainTextResponse("x" * 20_000), "more than any cosignature"),
        (PlainTextResponse("many", 409, media_type="text/x.tlog.size"), "a size that is no number"),
        (PlainTextResponse("3\n", 409, media_type="text/x.tlog.size"), "keeps answering"),
        (Response(status_code=409), "the log was forked"),
        (Response(status_code=404), "register the log's origin"),
        (Response(status_code=307, headers={"location": "http://127.0.0.1:1/"}), "307"),
    ],
)
async def test_an_answer_that_is_no_cosignature_is_a_problem(
    log: Witnessed, answer: Response, says: str
) -> None:
    """Each with its sentence; nothing of it is stored or shown."""
    await log.grow(5)
    log.witnesses[0].broken = answer
    done = await log.ask(quorum=1)
    assert done is not None
    assert says in done.problems["witness.example/0"]
    assert bool(done.contradicted) == ("forked" in says), "else an attack is told of that is none"
    assert (await log.shown(quorum=2)).checkpoint.size == 5


async def test_a_signature_over_another_tree_is_no_cosignature(log: Witnessed) -> None:
    """A witness's own valid line for an older checkpoint does not pass for the newer one."""
    await log.grow(5)
    await log.ask()
    row = await log.desk.db["tree"].find_one({"_id": "cosigned"})
    assert row is not None
    old = next(x for x in row["checkpoint"].split("\n") if "witness.example/0" in x)
    await log.grow(5)
    log.witnesses[0].broken = PlainTextResponse(f"{old}\n")
    done = await log.ask()
    assert done is not None
    assert "no cosignature by its key" in done.problems["witness.example/0"]
    assert {one.key.name for one in (await log.shown()).cosigned_by} == {
        "witness.example/1",
        "witness.example/2",
    }


async def test_two_who_ask_at_once_do_no_harm(log: Witnessed) -> None:
    """The lease saves work only: whoever asks, what is shown verifies."""
    await log.grow(100)
    await asyncio.gather(*(log.ask(quorum=1) for _ in range(4)))
    await log.ask(quorum=1)
    assert (await log.shown(quorum=1)).checkpoint.size == 100
