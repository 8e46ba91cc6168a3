"""`make advisories`: what is pinned, asked of a server that answers as OSV does."""

import json
import re
import shlex
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from casetrail_local.ports import LOOPBACK, free_port

from tests.support.processes import ROOT

PINNED = re.compile(r"^([a-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


class Osv(ThreadingHTTPServer):
    """Knows a fault of the packages named in `faulty`; `asked` has every package and version."""

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Answers)
        self.faulty: set[str] = set()
        self.asked: dict[str, str] = {}

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.server_port}/v1/query"


class _Answers(BaseHTTPRequestHandler):
    server: Osv

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        name, version = body["package"]["name"], body["version"]
        self.server.asked[name] = version
        found: dict[str, Any] = {}
        if name in self.server.faulty:
            package = {"name": name, "ecosystem": "PyPI"}
            fixed = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9999"}]}
            affected = [{"package": package, "ranges": [fixed], "versions": [version]}]
            found = {"vulns": [{"id": "TEST-1", "summary": "it falls", "affected": affected}]}
        answer = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def osv() -> Iterator[Osv]:
    """Such a server."""
    with Osv() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def advisories(url: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """What the target does, without setting the checkout up again."""
    arguments = f"ARGS=--osv-url {url} --cache-dir {cache}"
    told = subprocess.run(
        ["make", "--dry-run", "advisories", arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.replace("\\\n", " ")
    (line,) = [each for each in told.splitlines() if "pip_audit" in each]
    return subprocess.run(shlex.split(line), cwd=ROOT, check=False, capture_output=True, text=True)


def test_every_pinned_package_is_asked_about(osv: Osv, tmp_path: Path) -> None:
    """In its version, those of the images too; without a known fault it ends well."""
    done = advisories(osv.url, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "No known vulnerabilities found" in done.stderr
    shipped = dict(PINNED.findall((ROOT / "requirements" / "runtime.txt").read_text("utf-8")))
    elsewhere = {"colorama", "tzdata", "pywin32"}  # of other systems
    assert {name: osv.asked.get(name) for name in shipped.keys() - elsewhere} == {
        name: version for name, version in shipped.items() if name not in elsewhere
    }


def test_a_known_fault_is_named_and_fails(osv: Osv, tmp_path: Path) -> None:
    """With the package, the fault and the version that has it no more."""
    osv.faulty.add("orjson")
    done = advisories(osv.url, tmp_path)
    assert done.returncode == 1
    assert re.search(r"orjson\s+\S+\s+TEST-1\s+9999", done.stdout), done.stdout


def test_without_an_answer_it_fails(tmp_path: Path) -> None:
    """Nobody asked is not nobody ill."""
    done = advisories(f"http://{LOOPBACK}:{free_port()}/v1/query", tmp_path)
    assert done.returncode != 0
