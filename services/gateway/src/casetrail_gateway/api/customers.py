"""Paths of customers: looked up, and shown unmasked for a purpose."""

from typing import Annotated

from casetrail_contracts.customers_api import CustomerPage, RevealBody, RevealedCustomer
from fastapi import Path, Query

from casetrail_gateway.api import examples
from casetrail_gateway.api.desk import AtDesk
from casetrail_gateway.api.parameters import phone_of
from casetrail_gateway.api.reads import Reads
from casetrail_gateway.domain.customers import CustomerKey
from casetrail_gateway.domain.errors import QueryNotUnderstood
from casetrail_gateway.use_cases.customers import FindCustomers, RevealCustomer
from casetrail_gateway.use_cases.looking import Read

customers = Reads("customers")

CustomerId = Annotated[
    str, Path(pattern=r"^cv_[a-z0-9]{1,64}$", examples=["cv_6ajxh7e6vooz6cksap7wr3rmvq"])
]


@customers.get("/v1/customers", CustomerPage, example=examples.CUSTOMERS)
def find_customers(
    desk: AtDesk,
    *,
    phone: Annotated[
        str | None,
        Query(
            pattern=r"^\+?[0-9][0-9 ()./-]{5,30}$",
            description="A number with its country's code; older and newer forms are tried.",
            examples=["+923001114291"],
        ),
    ] = None,
    user_id: Annotated[
        str | None,
        Query(min_length=1, max_length=140, description="A business-scoped user id, as it is."),
    ] = None,
    username: Annotated[
        str | None, Query(min_length=1, max_length=100, description="A username, as it is.")
    ] = None,
) -> Read[CustomerPage]:
    """The conversations of one customer, masked; exactly one of the three is given."""
    given = [
        CustomerKey("phone", "" if phone is None else phone_of(phone)),
        CustomerKey("user_id", user_id or ""),
        CustomerKey("username", (username or "").removeprefix("@")),
    ]
    keys = [key for key in given if key.value]
    if len(keys) != 1:
        raise QueryNotUnderstood("Give exactly one of phone, user_id and username.")
    return FindCustomers(desk.wiring.log, desk.wiring.customers, desk.caller, keys[0])


@customers.post("/v1/customers/{customer_id}/reveal", RevealedCustomer, example=examples.REVEALED)
def reveal_customer(
    desk: AtDesk, customer_id: CustomerId, body: RevealBody
) -> Read[RevealedCustomer]:
    """The customer's number and names as they are; the purpose is recorded first."""
    wiring = desk.wiring
    return RevealCustomer(wiring.log, wiring.customers, desk.caller, customer_id, body.purpose)
