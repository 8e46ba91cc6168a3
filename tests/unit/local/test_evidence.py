"""`casetrail evidence`: a file, or a sentence; never half a file."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from casetrail_local.cli import app
from casetrail_local.errors import StackError
from typer.testing import CliRunner

ASKED: list[tuple[str, str | None]] = []


class StandIn(BaseHTTPRequestHandler):
    """A gateway that knows one case and breaks off in the middle of another."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        ASKED.append((self.path, self.headers.get("authorization")))
        body, status, length = b"PK-the-bundle", 200, None
        if self.path == "/log/key":
            body = b"log.example+00000000+AAAA\n"
        elif "CASE-2" in self.path:
            length = 1000
        elif "CASE-1/" not in self.path:
            body, status = json.dumps({"detail": "There is no such case."}).encode(), 404
        self.send_response(status)
        self.send_header("content-length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = length is not None

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """The data folder of a stack whose gateway is the stand-in."""
    ASKED.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    described = {
        "gateway_url": f"http://127.0.0.1:{server.server_address[1]}",
        "ingest_url": "http://127.0.0.1:1",
        "nats_url": "nats://127.0.0.1:1",
        "mongo_url": "mongodb://127.0.0.1:1/audit",
        "workspace": "main",
        "phone_number_id": "1",
        "app_secret": "s",
        "verify_token": "v",
        "tokens": {
            role: f"token-{role}" for role in ("agent", "lead", "reviewer", "admin", "service")
        },
        "pids": {},
    }
    (tmp_path / "stack.json").write_text(json.dumps(described))
    yield tmp_path
    server.shutdown()
    server.server_close()
    thread.join()


def run(data: Path, case: str, *more: str) -> BaseException | str:
    """What the command prints, or the fault it raises."""
    out = str(data / "out.zip")
    ran = CliRunner().invoke(app, ["evidence", case, "--data", str(data), "--out", out, *more])
    return ran.exception or ran.output


def test_the_bundle_is_written_and_the_check_is_named(data: Path) -> None:
    """The file as the gateway gave it, and the command that checks it with the log's key."""
    said = run(data, "CASE-1", "--disclose", "full")
    assert isinstance(said, str), said
    assert (data / "out.zip").read_bytes() == b"PK-the-bundle"
    assert "casetrail-verify bundle" in said
    assert "--key 'log.example+00000000+AAAA'" in said.replace("\n", " ")
    assert ASKED[0] == ("/v1/cases/CASE-1/evidence?disclose=full", "Bearer token-reviewer")


@pytest.mark.parametrize(
    ("case", "sentence"), [("CASE-9", "There is no such case."), ("CASE-2", "does not answer")]
)
def test_a_refusal_or_a_break_leaves_no_file(data: Path, case: str, sentence: str) -> None:
    """One sentence, and neither a file nor half of one; an older file stays as it was."""
    (data / "out.zip").write_bytes(b"older")
    fault = run(data, case)
    assert isinstance(fault, StackError)
    assert sentence in str(fault)
    assert (data / "out.zip").read_bytes() == b"older"
    assert not list(data.glob("*.part"))
