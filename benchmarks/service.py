"""The audit service as an operator runs it."""

import asyncio

from casetrail_local.ports import free_port

from benchmarks.load import KEY, Bench, python


async def service(office: Bench, mongo_url: str) -> asyncio.subprocess.Process:
    """The process; it may not answer yet."""
    return await python(
        "casetrail_audit",
        AUDIT_NATS_URL=office.nats.url,
        AUDIT_MONGO_URL=mongo_url,
        AUDIT_WORKSPACE_KEY=KEY,
        AUDIT_SIGNING_KEY="00" * 32,
        AUDIT_PORT=str(free_port()),
        AUDIT_LOG_LEVEL="error",
    )
