"""What the gateway's paths of customers take and answer."""

from datetime import datetime

from pydantic import Field

from casetrail_contracts.api import Answer
from casetrail_contracts.commands import Body


class CustomerView(Answer):
    """One customer's conversation with one number of ours; personal values are masked."""

    customer_id: str
    """Its conversation: `cv_…`."""
    phone: str | None
    name: str | None
    username: str | None
    case_ids: list[str]
    """The newest first, at most twenty."""
    last_at: datetime | None


class CustomerPage(Answer):
    """Every conversation of the customer that was looked up."""

    items: list[CustomerView]
    complete_through: int


class RevealBody(Body):
    """Why a customer's values are to be shown."""

    purpose: str = Field(min_length=3, max_length=500)


class RevealedCustomer(Answer):
    """A customer's values as they are; None where the log has none, or they were erased."""

    customer_id: str
    phone: str | None
    name: str | None
    user_id: str | None
    username: str | None
