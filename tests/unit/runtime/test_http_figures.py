"""HTTP figures: by route and not by path, whatever the answer; a stream is as fast as it begins."""

import asyncio
from collections.abc import AsyncIterator

import httpx
from casetrail_runtime.http_figures import HttpFigures, MeasuredHttp
from casetrail_runtime.telemetry import Telemetry
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.responses import StreamingResponse


def measured() -> tuple[CollectorRegistry, MeasuredHttp]:
    """An application with its figures."""
    telemetry, app = Telemetry("desk"), FastAPI()

    @app.get("/cases/{case_id}")
    async def case(case_id: str) -> str:
        if case_id == "bad":
            raise RuntimeError("a fault")
        return case_id

    @app.get("/live")
    async def live() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"piece"
                await asyncio.sleep(0.1)

        return StreamingResponse(pieces())

    return telemetry.registry, MeasuredHttp(app, HttpFigures(telemetry))


async def ask(app: MeasuredHttp, *paths: str) -> None:
    """Each of these once."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        for path in paths:
            await client.get(path)


def labelled(registry: CollectorRegistry, label: str) -> set[str]:
    """Every value that a label has."""
    samples = [sample for figure in registry.collect() for sample in figure.samples]
    return {sample.labels[label] for sample in samples if label in sample.labels}


async def test_requests_are_counted_by_route() -> None:
    """Two cases are one route; a fault and an unknown path are told as what they are."""
    registry, app = measured()
    await ask(app, "/cases/1", "/cases/2", "/cases/bad", "/nowhere/77")

    def count(route: str, status: str) -> float | None:
        labels = {"route": route, "method": "GET", "status": status}
        return registry.get_sample_value("casetrail_http_requests_total", labels)

    assert count("/cases/{case_id}", "200") == 2
    assert count("/cases/{case_id}", "500") == 1
    assert count("other", "404") == 1
    assert labelled(registry, "route") == {"/cases/{case_id}", "other"}
    assert registry.get_sample_value("casetrail_http_in_progress") == 0


async def test_methods_that_somebody_made_up_are_one() -> None:
    """A label for each would let a stranger fill the memory."""
    registry, app = measured()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        for number in range(20):
            await client.request(f"MADE{number}", "/cases/1")
        await client.options("/cases/1")
    assert labelled(registry, "method") == {"other", "OPTIONS"}


async def test_a_stream_is_as_fast_as_it_begins() -> None:
    """What goes on for long is no slow request."""
    registry, app = measured()
    await ask(app, "/live")
    labels = {"route": "/live"}
    seconds = registry.get_sample_value("casetrail_http_seconds_sum", labels)
    assert seconds is not None
    assert seconds < 0.25
