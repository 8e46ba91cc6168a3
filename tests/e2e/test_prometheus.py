"""Prometheus itself beside a running stack: dashboards show something, and nobody is called."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from casetrail_local.ports import LOOPBACK, free_port

from tests.e2e.conftest import RunningStack
from tests.e2e.test_operations import ALERTS, DASHBOARDS, ports_of
from tests.support.prometheus import program

SERVICES = ("ingest", "routing", "tickets", "audit", "gateway")
EMPTY_WHEN_WELL = {
    'sum by (service, route) (rate(casetrail_http_requests_total{status=~"5.."}[5m]))',
}
"""What a dashboard shows only when something is wrong."""


class Prometheus:
    """A server that has looked at the five services for a while."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer; None while it does not answer."""
        try:
            answer = self._client.get(f"/api/v1/{path}", params=parameters)
        except httpx.TransportError:
            return None
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return None  # it starts
        said = answer.json()
        assert said["status"] == "success", said
        return said["data"]

    def values(self, expression: str) -> list[dict[str, Any]]:
        """What an expression is now."""
        found: list[dict[str, Any]] = self.ask("query", query=expression)["result"]
        return found

    def looked(self) -> bool:
        """Whether it has seen every service often enough for a rate."""
        if self.ask("query", query="1") is None:
            return False
        seen = self.values('count_over_time(up{job="casetrail"}[1m])')
        return len(seen) == len(SERVICES) and all(int(one["value"][1]) > 5 for one in seen)


@pytest.fixture
def prometheus(stack: RunningStack, tmp_path: Path) -> Iterator[Prometheus]:
    """Such a server, with the rules we ship."""
    targets = [
        {"targets": [f"{LOOPBACK}:{port}"], "labels": {"service": service}}
        for service, port in zip(SERVICES, ports_of(stack), strict=True)
    ]
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [{"job_name": "casetrail", "static_configs": targets}],
    }
    file, port = tmp_path / "prometheus.yaml", free_port()
    file.write_text(yaml.safe_dump(config))
    options = {
        "config.file": file,
        "storage.tsdb.path": tmp_path / "data",
        "web.listen-address": f"{LOOPBACK}:{port}",
    }
    with (tmp_path / "prometheus.log").open("wb") as log:
        server = subprocess.Popen(
            [program("prometheus"), *(f"--{name}={value}" for name, value in options.items())],
            stdout=log,
            stderr=log,
        )
        try:
            found = Prometheus(f"http://{LOOPBACK}:{port}")
            deadline = time.monotonic() + 90
            while not found.looked():
                assert server.poll() is None, (tmp_path / "prometheus.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.5)
            yield found
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(20)
            server.kill()


@pytest.mark.stack
@pytest.mark.skipif(sys.platform != "linux", reason="ports are read from /proc")
def test_dashboards_show_something_and_nobody_is_called(
    stack: RunningStack, prometheus: Prometheus
) -> None:
    """Every panel's expression has a value, every rule was evaluated, and none of them fires."""
    stack.story().play()
    time.sleep(3)  # two looks at what it did
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                found = prometheus.values(target["expr"])
                assert found or target["expr"] in EMPTY_WHEN_WELL, (path.name, panel["title"])
    (group,) = prometheus.ask("rules")["groups"]
    assert [rule["name"] for rule in group["rules"] if rule["health"] != "ok"] == []
    alerts = prometheus.ask("alerts")["alerts"]
    assert [alert["labels"] for alert in alerts if alert["state"] == "firing"] == []
