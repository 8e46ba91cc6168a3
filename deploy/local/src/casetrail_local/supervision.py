"""supervisord for one stack: its configuration, its child process, and the calls made to it."""

from __future__ import annotations

import contextlib
import getpass
import http.client
import os
import re
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from supervisor.xmlrpc import SupervisorTransport

from casetrail_local.errors import NotReady, StackError
from casetrail_local.folder import DataFolder, write_private
from casetrail_local.servers import last_words

START_TIMEOUT = 60.0
STOP_TIMEOUT = 60.0
ALREADY_STARTED = 60  # supervisor's fault code
ENDED_STATES = frozenset({"EXITED", "FATAL", "BACKOFF"})


@dataclass(frozen=True)
class Program:
    """One process supervisord keeps running. Lower priority starts first and stops last."""

    name: str
    command: Sequence[str]
    priority: int
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_within: int = 15
    niceness: int = 0
    """What nice(1) adds: how far it gives way when the processor is not enough for all."""


def config_text(folder: DataFolder, programs: Sequence[Program], services: Sequence[str]) -> str:
    """The supervisord.conf of a stack.

    `services` are the programs that stop together, before any of the others.
    """
    sections = [
        "[unix_http_server]",
        f"file={_value(str(folder.supervisor_socket))}",
        "chmod=0700",
        "",
        "[supervisord]",
        f"logfile={_value(str(folder.log('supervisord')))}",
        "logfile_maxbytes=5MB",
        "logfile_backups=1",
        f"pidfile={_value(str(folder.root / 'supervisord.pid'))}",
        f"directory={_value(str(folder.root))}",
        f"identifier=casetrail-{os.getpid()}",
        "silent=true",
        "nodaemon=true",
    ]
    if os.geteuid() == 0:  # said outright, or supervisord complains about running as root
        sections.append(f"user={getpass.getuser()}")
    sections += [
        "",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        "",
        "[group:services]",
        f"programs={','.join(services)}",
        "priority=500",
    ]
    for program in programs:
        sections += ["", *_program_section(folder, program)]
    return "\n".join(sections) + "\n"


def _program_section(folder: DataFolder, program: Program) -> list[str]:
    variables = ",".join(f"{key}='{_value(value)}'" for key, value in program.environment.items())
    command = list(program.command)
    if program.niceness:
        command = ["nice", "-n", str(program.niceness), *command]
    return [
        f"[program:{program.name}]",
        f"command={_value(shlex.join(command), quoted=True)}",
        f"environment={variables}",
        f"priority={program.priority}",
        "autostart=false",
        "autorestart=true",
        "startsecs=1",
        "startretries=1000",
        "stopsignal=TERM",
        f"stopwaitsecs={program.stop_within}",
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={_value(str(folder.log(program.name)))}",
        "stdout_logfile_maxbytes=10MB",
        "stdout_logfile_backups=2",
    ]


def _value(text: str, *, quoted: bool = False) -> str:
    """`text` as supervisord reads it back unchanged; a sentence when it cannot."""
    refused = r"[\r\n]|\s[;#]" if quoted else r"[\r\n']|\s[;#]"
    if re.search(refused, text):
        raise StackError(
            f"supervisord cannot take {text!r}, because of a quote, a line end, or a blank "
            "followed by ; or #: use a plainer path with --data."
        )
    return text.replace("%", "%%")


class Supervisor:
    """One supervisord child and its programs."""

    def __init__(
        self, folder: DataFolder, programs: Sequence[Program], services: Sequence[str]
    ) -> None:
        """Nothing runs yet."""
        self._folder = folder
        self._services = frozenset(services)
        self._socket = folder.supervisor_socket
        write_private(folder.supervisor_config, config_text(folder, programs, services))
        self._child: subprocess.Popen[bytes] | None = None

    @contextlib.contextmanager
    def _remote(self) -> Iterator[Any]:
        """A fresh connection for one call: one that failed once cannot be used again."""
        address = f"unix://{self._socket}"
        transport = SupervisorTransport(None, None, address)  # type: ignore[no-untyped-call]
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            yield proxy.supervisor

    @property
    def pid(self) -> int | None:
        """The process id of supervisord while it runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def launch(self) -> None:
        """Starts supervisord; it answers when this returns, and no program is started yet."""
        self._socket.unlink(missing_ok=True)
        log = self._folder.log("supervisord")
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                [
                    *(sys.executable, "-m", "casetrail_local.supervisor_child"),
                    *(str(self._folder.supervisor_config), str(os.getpid())),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C reaches us only; we stop the rest in order
            )
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException), self._remote() as remote:
                remote.getState()
                return
            if self.pid is None or time.monotonic() > deadline:
                raise NotReady(
                    f"supervisord did not start; {log} ends with: {last_words(log, lines=2)}"
                )
            time.sleep(0.02)

    def start(self, name: str) -> None:
        """Asks for one program to be started; it may not be ready yet."""
        group = "services" if name in self._services else name
        try:
            with self._remote() as remote:
                remote.startProcess(f"{group}:{name}", False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != ALREADY_STARTED:
                raise NotReady(f"{name} could not be started: {fault.faultString}") from fault

    def states(self) -> dict[str, tuple[str, int | None]]:
        """State name and process id of every program."""
        with self._remote() as remote:
            rows = cast("list[dict[str, Any]]", remote.getAllProcessInfo())
        return {row["name"]: (row["statename"], row["pid"] or None) for row in rows}

    def fail_if_ended(self, name: str) -> None:
        """Raises `NotReady` with the program's last words when it did not stay up."""
        state, _ = self.states()[name]
        if state in ENDED_STATES:
            log = self._folder.log(name)
            raise NotReady(
                f"{name} did not stay up. The end of its log {log}:\n{log_tail(self._folder, name)}"
            )

    def stop(self) -> None:
        """Every program is stopped, gateway first and servers last, and supervisord is gone."""
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._socket.unlink(missing_ok=True)
        if self._socket.parent != self._folder.root:
            with contextlib.suppress(OSError):
                self._socket.parent.rmdir()


def log_tail(folder: DataFolder, name: str, lines: int = 15) -> str:
    """The last lines of a process's log, indented."""
    with contextlib.suppress(OSError):
        text = folder.log(name).read_text(encoding="utf-8", errors="replace")
        return "\n".join(f"    {line[:500]}" for line in text.splitlines()[-lines:])
    return "    (no log)"
