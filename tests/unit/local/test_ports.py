"""Ports: the standard ones, free ones instead, fixed ones with a base."""

import os
import socket
from collections.abc import Iterator

import pytest
from casetrail_local import services
from casetrail_local.errors import PortTaken, StackError
from casetrail_local.ports import LOOPBACK, free_port, holder, is_free
from casetrail_local.services import PORT_OFFSETS, STANDARD_PORTS, plan_ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port this process listens on."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, free_port()))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_somebody_listens_on_is_not_free(taken: int) -> None:
    """The probe sees a listener, and says who it is."""
    assert not is_free(taken)
    assert f"pid {os.getpid()}" in str(holder(taken))


def test_a_taken_standard_port_is_replaced_and_told(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the taken port moves, and the note names it and its holder."""
    quiet = {name: free_port() for name in STANDARD_PORTS}
    monkeypatch.setattr(services, "STANDARD_PORTS", quiet | {"nats": taken})
    plan = plan_ports(("gateway", "nats"))
    assert plan.ports["gateway"] == quiet["gateway"]
    assert plan.ports["nats"] != taken
    assert is_free(plan.ports["nats"])
    [note] = plan.notes
    assert f"port {taken} is taken by" in note
    assert f"pid {os.getpid()}" in note


def test_a_taken_port_of_a_base_is_an_error_naming_it(taken: int) -> None:
    """With --port-base nothing moves silently."""
    base = taken - PORT_OFFSETS["audit"]
    with pytest.raises(PortTaken, match=f"Port {taken} for audit is taken by .*pid {os.getpid()}"):
        plan_ports(("audit",), port_base=base)


def test_a_base_gives_every_process_its_fixed_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    """N+0 to N+6, as documented."""
    monkeypatch.setattr(services, "is_free", lambda _port: True)
    plan = plan_ports(tuple(PORT_OFFSETS), port_base=21_000)
    assert plan.ports == {
        "gateway": 21_000,
        "ingest": 21_001,
        "routing": 21_002,
        "tickets": 21_003,
        "audit": 21_004,
        "nats": 21_005,
        "mongo": 21_006,
    }


@pytest.mark.parametrize("base", [0, -1, 65_530, 99_999])
def test_a_base_without_room_is_refused(base: int) -> None:
    """A base whose last port would not exist is a sentence, not a traceback."""
    with pytest.raises(StackError, match="leaves no room"):
        plan_ports(("gateway",), port_base=base)
