"""One trace from the webhook to the record, over every service that had a part in it."""

import asyncio
from pathlib import Path

import pytest

from tests.e2e.conftest import running_stack
from tests.support.collector import collector
from tests.support.waiting import eventually

SERVICES = ("INGEST", "ROUTING", "TICKETS", "AUDIT", "GATEWAY")


@pytest.mark.stack
async def test_a_trace_goes_from_the_webhook_to_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a customer wrote, and what a person did about it: one trace each, to the log."""
    with collector() as told:
        for service in SERVICES:
            monkeypatch.setenv(f"{service}_OTLP_ENDPOINT", told.url)
        with running_stack(tmp_path / "stack") as stack:
            await asyncio.to_thread(stack.story().play)

            async def from_webhook() -> bool:
                """Ingest took it, routing opened a case, and audit recorded what routing said."""
                return any(
                    {
                        ("casetrail-ingest", "HTTP POST"),
                        ("casetrail-routing", "handle routing"),
                        ("casetrail-audit", "handle audit"),
                    }
                    <= set(trace)
                    and trace.count(("casetrail-audit", "handle audit")) > 1
                    for trace in told.traces()
                )

            async def from_person() -> bool:
                """The gateway was asked, tickets did it, and audit recorded it."""
                return any(
                    ("casetrail-gateway", "HTTP POST") in trace
                    and ("casetrail-audit", "handle audit") in trace
                    and any(service == "casetrail-tickets" for service, _ in trace)
                    for trace in told.traces()
                )

            assert await eventually(from_webhook, within=20)
            assert await eventually(from_person, within=20)
