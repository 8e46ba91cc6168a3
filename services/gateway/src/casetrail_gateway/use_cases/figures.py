"""Figures of a stretch of time, from the records of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from casetrail_contracts.figures_api import Figure, FiguresAnswer, PersonFigures

from casetrail_gateway.domain.errors import Fault, PopulationTooLarge, QueryNotUnderstood
from casetrail_gateway.domain.figures import ACTIONS, NAMES, Act, Tallies, Tally, figures_of
from casetrail_gateway.domain.log import Page, RecordFilter
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.ports import Lists, Log, WorkRecords
from casetrail_gateway.use_cases.looking import Look

LONGEST: Final = timedelta(days=31)
MOST_ACTS: Final = 200_000
_PEOPLE_RECORDS: Final = 1000


class ReadFigures:
    """The figures of people and of a team."""

    def __init__(
        self,
        log: Log,
        work: WorkRecords,
        lists: Lists,
        caller: Caller,
        *,
        start: datetime,
        end: datetime,
        team: str | None,
    ) -> None:
        self._log = log
        self._work = work
        self._lists = lists
        self._caller = caller
        self._start = start
        self._end = end
        self._team = team

    async def look(self) -> Look:
        """A search over what happened then."""
        fault: Fault | None = None
        if self._start >= self._end or self._end - self._start > LONGEST:
            fault = QueryNotUnderstood("Give a `from` before `to`, at most 31 days apart.")
        filters = {"from": self._start.isoformat(), "to": self._end.isoformat()}
        if self._team is not None:
            filters["team"] = self._team
        return Look(what="figures", filters=filters, fault=fault)

    async def answer(self) -> FiguresAnswer:
        """Counted anew from the records."""
        workspace = self._caller.workspace
        head = await self._log.head()
        acts = await self._acts(head.complete_through)
        named = sorted({act.case_id for act in acts if act.case_id is not None})
        custody = await self._work.custody_of(workspace, named)
        teams = await self._teams()
        if self._team is not None:
            wanted = {who for who, of in teams.items() if self._team in of}
            acts = [act for act in acts if _concerns(act, wanted)]
        people, together = figures_of(acts, custody, self._start, self._end)
        if self._team is not None:
            people = {who: tallies for who, tallies in people.items() if who in wanted}
            together = _summed(people, together)
        names = {f"agent:{u.user_id}": u.name for u in await self._lists.users(workspace)}
        return FiguresAnswer(
            start=self._start,
            end=self._end,
            team=self._team,
            people=[
                PersonFigures(
                    person=who,
                    name=names.get(who, who.removeprefix("agent:")),
                    teams=sorted(teams.get(who, ())),
                    figures=_told(tallies),
                )
                for who, tallies in sorted(people.items())
            ],
            together=_told(together),
            complete_through=head.complete_through,
        )

    async def _acts(self, through: int) -> list[Act]:
        acts = await self._work.acts(
            self._caller.workspace,
            ACTIONS,
            self._start,
            self._end,
            through=through,
            limit=MOST_ACTS + 1,
        )
        if len(acts) > MOST_ACTS:
            raise PopulationTooLarge("Too much happened in that time: choose a shorter one.")
        return list(acts)

    async def _teams(self) -> Mapping[str, frozenset[str]]:
        """The teams of each person, as the newest event about them says."""
        teams: dict[str, frozenset[str]] = {}
        for action in ("user.created", "user.updated"):
            wanted = RecordFilter(action=action)
            page = Page(_PEOPLE_RECORDS, "desc")
            found = await self._log.records(self._caller.workspace, wanted, page)
            for record in reversed(found):
                of = record.data.get("teams")
                who = f"agent:{record.data.get('user_id')}"
                teams[who] = frozenset(of if isinstance(of, list) else ())
        return teams


def _concerns(act: Act, wanted: set[str]) -> bool:
    """True when somebody of the team did it, or it moved a case to or from one of them.

    What has no person of its own (an opening, a breach) stays: whose it is, custody says.
    """
    named = {act.person, act.owner, act.previous_owner, act.about} - {None}
    return not named or bool(named & wanted)


def _summed(people: Mapping[str, Tallies], together: Tallies) -> Tallies:
    """The figures of these people together."""
    summed: Tallies = {name: t for name, t in together.items() if name not in NAMES}
    for tallies in people.values():
        for name, tally in tallies.items():
            into = summed.setdefault(name, Tally())
            into.count += tally.count
            into.cases.update(tally.cases)
            into.seconds += tally.seconds
            into.scores += tally.scores
    return summed


def _told(tallies: Tallies) -> dict[str, Figure]:
    known = {name: tallies.get(name) for name in (*NAMES, *sorted(set(tallies) - set(NAMES)))}
    return {
        name: Figure(
            count=tally.count,
            cases=tally.newest_cases,
            median_seconds=tally.median_seconds,
            mean=tally.mean,
        )
        for name, tally in known.items()
        if tally is not None
    }
