"""WhatsApp as the demo plays it: one made-up customer, and webhooks signed as Meta signs them."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

import httpx

from casetrail_local.description import StackDescription
from casetrail_local.errors import StackError

_NAMES = ("Bilal Qureshi", "Ayesha Siddiqui", "Hamza Baloch", "Sana Yousafzai", "Usman Cheema")
BUSINESS_NUMBER = "924200000100"  # invented, like every number here
PATIENCE = 20.0  # seconds


@dataclass(frozen=True)
class Customer:
    """A customer of the web shop; every demo has another one."""

    name: str
    phone: str
    order: str

    @classmethod
    def new(cls) -> Customer:
        """A customer nobody has written to before."""
        return cls(
            name=secrets.choice(_NAMES),
            phone=f"92300{secrets.randbelow(10**7):07d}",
            order=f"PK-{10_000 + secrets.randbelow(90_000)}",
        )


def text_webhook(stack: StackDescription, customer: Customer, text: str) -> bytes:
    """The body of a webhook with one text message, as the Cloud API sends it."""
    message = {
        "from": customer.phone,
        "id": f"wamid.{secrets.token_urlsafe(30)}",
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": text},
    }
    value: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": BUSINESS_NUMBER,
            "phone_number_id": stack.phone_number_id,
        },
        "contacts": [{"profile": {"name": customer.name}, "wa_id": customer.phone}],
        "messages": [message],
    }
    change = {"field": "messages", "value": value}
    body = {
        "object": "whatsapp_business_account",
        "entry": [{"id": "557700000000000", "changes": [change]}],
    }
    return json.dumps(body).encode()


def signature(app_secret: str, body: bytes) -> str:
    """The `X-Hub-Signature-256` of these exact bytes."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()


def post_webhook(stack: StackDescription, body: bytes) -> None:
    """Sends a signed webhook; returns when ingest has accepted it, which means it is durable.

    Like Meta it sends the same bytes again when the answer is no 200, for a while.
    """
    headers = {
        "content-type": "application/json",
        "x-hub-signature-256": signature(stack.app_secret, body),
    }
    url = f"{stack.ingest_url}/webhooks/whatsapp"
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            answer = httpx.post(url, content=body, headers=headers, timeout=15.0, trust_env=False)
            said = f"{answer.status_code} {answer.text}"
            if answer.status_code == httpx.codes.OK:
                return
            may_pass = answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        except httpx.HTTPError as fault:
            said, may_pass = str(fault), True
        if not may_pass or time.monotonic() > deadline:
            raise StackError(f"ingest at {stack.ingest_url} did not accept a webhook: {said}")
        time.sleep(0.2)
