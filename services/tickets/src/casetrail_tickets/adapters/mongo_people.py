"""The people of each workspace in MongoDB, as their events told of them."""

from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection

from casetrail_tickets.ports import Person


class MongoPeople:
    """`People` in a collection: `{_id: "<workspace>:<user id>", name, role}`."""

    def __init__(self, collection: AsyncIOMotorCollection[dict[str, Any]]) -> None:
        self._collection = collection

    async def remember(self, workspace: str, person: Person) -> None:
        """Adds the person, or what is new about them; again is harmless."""
        await self._collection.update_one(
            {"_id": f"{workspace}:{person.user_id}"},
            {"$set": {"name": person.name, "role": person.role}},
            upsert=True,
        )

    async def find(self, workspace: str, user_id: str) -> Person | None:
        """The person, or None when no event told of them yet."""
        found = await self._collection.find_one({"_id": f"{workspace}:{user_id}"})
        return None if found is None else Person(user_id, found["name"], found["role"])
