"""Whom a scope is about beyond what it names: linked conversations and merged cases (ADR 30)."""

from dataclasses import replace

from casetrail_runtime.mongo import Database

from casetrail_audit.privacy.model import Scope


class Linked:
    """The views of conversations and cases, as far as they say who is one customer."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def whole(self, workspace: str, scope: Scope) -> Scope:
        """The scope with every conversation of the customer, and the cases merged into its case."""
        conversations = await self.conversations(workspace, scope.conversation_id)
        cases = await self.cases(workspace, scope.case_id)
        return replace(scope, conversations=conversations, cases=cases)

    async def conversations(self, workspace: str, conversation_id: str | None) -> frozenset[str]:
        """The conversation and those that are led as one with it; empty for None."""
        if conversation_id is None:
            return frozenset()
        known, asking = {conversation_id}, {conversation_id}
        while asking:
            wanted = {"_id": {"$in": [f"{workspace}:{id_}" for id_ in sorted(asking)]}}
            fields = {"linked_to": 1, "linked": 1}
            told: set[str] = set()
            async for view in self._db["conversations"].find(wanted, fields):
                told |= {view.get("linked_to"), *(view.get("linked") or [])} - {None}
            asking = told - known
            known |= asking
        return frozenset(known)

    async def cases(self, workspace: str, case_id: str | None) -> frozenset[str]:
        """The case and those merged into it; empty for None."""
        if case_id is None:
            return frozenset()
        view = await self._db["cases"].find_one({"_id": f"{workspace}:{case_id}"})
        merged = () if view is None else view.get("merged_case_ids") or ()
        return frozenset({case_id, *merged})
