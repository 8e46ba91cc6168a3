"""What operations look at: every figure that an alert or dashboard names is one we give."""

import asyncio
import http.client
import json
import re
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from casetrail_audit.forwarding.figures import EndpointFigures
from casetrail_local.folder import DataFolder
from casetrail_local.services import SERVICES
from prometheus_client import CollectorRegistry, generate_latest

from tests.e2e.conftest import RunningStack
from tests.support.processes import ROOT

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
RUNBOOK = ROOT / "docs" / "how-to" / "answer-an-alert.md"
LONGER_THAN_UVICORNS_OWN = 6.0
"""Seconds; it ends an idle connection after five when it is not told otherwise."""
_NAME = re.compile(r"\b(?:casetrail|process)_[a-z_]+")
_ENDINGS = {"histogram": ("_bucket", "_sum", "_count")}


def rules() -> list[dict[str, object]]:
    """The alert rules."""
    (group,) = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    found: list[dict[str, object]] = group["rules"]
    return found


def expressions() -> dict[str, list[str]]:
    """Every expression, by where it stands."""
    told = {ALERTS.name: [str(rule["expr"]) for rule in rules()]}
    for path in DASHBOARDS:
        panels = json.loads(path.read_text("utf-8"))["panels"]
        told[path.name] = [target["expr"] for panel in panels for target in panel["targets"]]
    return told


def told(text: str) -> set[str]:
    """The names of the series that an exposition tells of, those without a sample yet as well."""
    found: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            found |= {name + ending for ending in _ENDINGS.get(kind, ("",))}
    return found


@pytest.mark.stack
@pytest.mark.skipif(sys.platform != "linux", reason="ports are read from /proc")
async def test_every_figure_that_is_looked_at_is_given(stack: RunningStack) -> None:
    """Each name of an alert or dashboard stands in the metrics of a running service."""
    given: set[str] = set()
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        for port in ports_of(stack):
            answer = await client.get(f"http://127.0.0.1:{port}/metrics")
            answer.raise_for_status()
            given |= told(answer.text)
    registry = CollectorRegistry()
    EndpointFigures(
        registry, ["erp"]
    )  # of the forwarder, which runs only where there are endpoints
    given |= told(generate_latest(registry).decode())
    for place, found in expressions().items():
        for expression in found:
            asked = set(_NAME.findall(expression))
            assert asked or expression.startswith("up{"), expression
            assert asked <= given, f"{place}: {expression}: {sorted(asked - given)}"


def ports_of(stack: RunningStack) -> list[int]:
    """Where the five services of the stack listen: in each one's environment."""
    pids = stack.description.pids.model_dump()
    ports = []
    for service in ("ingest", "routing", "tickets", "audit", "gateway"):
        environment = Path(f"/proc/{pids[service]}/environ").read_text("utf-8").split("\0")
        named = dict(variable.split("=", 1) for variable in environment if "=" in variable)
        ports.append(int(named[f"{service.upper()}_PORT"]))
    return ports


@pytest.mark.stack
async def test_an_idle_connection_is_kept_for_a_proxy(stack: RunningStack) -> None:
    """Proxies keep connections for a minute; one that we closed first costs somebody a 502."""
    urls = json.loads(DataFolder.at(stack.folder).addresses.read_text())

    def asked_twice(url: str) -> tuple[int, ...]:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        connection.connect()
        connection.auto_open = 0
        statuses = []
        for pause in (LONGER_THAN_UVICORNS_OWN, 0):
            connection.request("GET", "/livez")
            with connection.getresponse() as answer:
                answer.read()
                statuses.append(answer.status)
            time.sleep(pause)
        return tuple(statuses)

    asked = [asyncio.to_thread(asked_twice, url) for url in urls.values()]
    assert dict(zip(urls, await asyncio.gather(*asked), strict=True)) == dict.fromkeys(
        SERVICES, (200, 200)
    )


def test_every_alert_says_what_to_do() -> None:
    """Each has its section in the runbook, and the runbook has no other."""
    sections = set(re.findall(r"^## ([A-Za-z]+)$", RUNBOOK.read_text("utf-8"), re.MULTILINE))
    names = {str(rule["alert"]).removeprefix("Casetrail") for rule in rules()}
    assert sections == names
    for rule in rules():
        annotations = rule["annotations"]
        assert isinstance(annotations, dict)
        anchor = str(rule["alert"]).removeprefix("Casetrail").lower()
        assert annotations["runbook"] == f"docs/how-to/answer-an-alert.md#{anchor}"


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: Path(path).stem)
def test_a_dashboard_can_be_loaded(path: Path) -> None:
    """Titles and places of its panels are its own, and none covers another."""
    board = json.loads(path.read_text("utf-8"))
    places = [tuple(panel["gridPos"].values()) for panel in board["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert board["uid"].startswith("casetrail-")
