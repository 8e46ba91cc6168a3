"""Customers looked up by number, id or name, and shown unmasked for a purpose."""

from collections.abc import Sequence
from typing import Final

from casetrail_contracts.customers_api import CustomerPage, CustomerView, RevealedCustomer

from casetrail_gateway.domain.customers import Contact, CustomerKey
from casetrail_gateway.domain.errors import Fault, NotFound
from casetrail_gateway.domain.log import Case
from casetrail_gateway.domain.masking import masked_name, masked_phone
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.ports import Customers, Log
from casetrail_gateway.use_cases.finding import caseless, not_theirs
from casetrail_gateway.use_cases.looking import Look

_SHOWN_CASES: Final = 20


class FindCustomers:
    """The conversations of a customer; an agent gets those with a case they may open."""

    def __init__(self, log: Log, customers: Customers, caller: Caller, key: CustomerKey) -> None:
        self._log = log
        self._customers = customers
        self._caller = caller
        self._key = key

    async def look(self) -> Look:
        """A search by something personal, which stands in the private part only."""
        return Look(
            what="customers",
            filters={"by": self._key.kind},
            query={self._key.kind: self._key.value},
        )

    async def answer(self) -> CustomerPage:
        """Each conversation once, masked."""
        workspace = self._caller.workspace
        head = await self._log.head()
        items = []
        for conversation_id in await self._customers.conversations(workspace, self._key):
            cases = await self._log.cases_of(workspace, conversation_id)
            mine = [case for case in cases if not_theirs(self._caller, case) is None]
            if self._caller.role == "agent" and not mine:
                continue
            contact = await self._customers.contact(workspace, conversation_id)
            items.append(_view(conversation_id, contact, mine))
        return CustomerPage(items=items, complete_through=head.complete_through)


class RevealCustomer:
    """A customer's number and names as they are, for a purpose that is written down first."""

    def __init__(
        self, log: Log, customers: Customers, caller: Caller, conversation_id: str, purpose: str
    ) -> None:
        self._log = log
        self._customers = customers
        self._caller = caller
        self._id = conversation_id
        self._purpose = purpose

    async def look(self) -> Look:
        """The customer, if a case of theirs is the caller's to open."""
        cases = await self._log.cases_of(self._caller.workspace, self._id)
        fault: Fault | None = None
        if cases:
            refusals = [not_theirs(self._caller, case) for case in cases]
            fault = None if None in refusals else refusals[0]
        elif await self._customers.contact(self._caller.workspace, self._id) is None:
            fault = NotFound("customer", f"There is no customer {self._id}.")
        else:
            fault = caseless(self._caller, f"customer {self._id}")
        return Look(
            what="customer",
            target=f"conversation/{self._id}",
            conversation_id=self._id if not isinstance(fault, NotFound) else None,
            reveals=("name", "phone", "user_id", "username"),
            purpose=self._purpose,
            fault=fault,
        )

    async def answer(self) -> RevealedCustomer:
        """The values the log still has; None where it has none, or they were erased."""
        contact = await self._customers.contact(self._caller.workspace, self._id) or Contact()
        return RevealedCustomer(
            customer_id=self._id,
            phone=contact.phone,
            name=contact.name,
            user_id=contact.user_id,
            username=contact.username,
        )


def _view(conversation_id: str, contact: Contact | None, cases: Sequence[Case]) -> CustomerView:
    known = contact or Contact()
    return CustomerView(
        customer_id=conversation_id,
        phone=None if known.phone is None else masked_phone(known.phone),
        name=None if known.name is None else masked_name(known.name),
        username=None if known.username is None else masked_name(known.username),
        case_ids=[case.case_id for case in cases[:_SHOWN_CASES]],
        last_at=max((case.last_at for case in cases if case.last_at is not None), default=None),
    )
