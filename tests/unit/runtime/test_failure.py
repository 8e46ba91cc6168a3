"""Which failures wait, which count, and what a dead letter keeps."""

import nats.errors
import pytest
from casetrail_runtime.failure import (
    FailurePolicy,
    PermanentError,
    Retry,
    is_outage,
    original_headers,
)
from casetrail_runtime.publisher import NotStored
from pymongo.errors import (
    AutoReconnect,
    DuplicateKeyError,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WTimeoutError,
)


def labelled(label: str) -> PyMongoError:
    """An error that MongoDB marks."""
    error = OperationFailure("passing", 91)
    error._add_error_label(label)
    return error


@pytest.mark.parametrize(
    "error",
    [
        ServerSelectionTimeoutError("no primary"),
        AutoReconnect("closed"),
        NetworkTimeout("slow"),
        NotPrimaryError("stepped down"),
        WTimeoutError("no majority", 64, {}),
        labelled("RetryableWriteError"),
        labelled("TransientTransactionError"),
        nats.errors.ConnectionClosedError(),
        nats.errors.NoRespondersError(),
        nats.errors.TimeoutError(),
        ConnectionRefusedError(),
        TimeoutError(),
        NotStored("the stream is full"),
        Retry(1.0),
    ],
    ids=lambda error: type(error).__name__,
)
def test_servers_that_are_away_are_waited_for(error: Exception) -> None:
    """These say nothing about the message, so it is never set aside for them."""
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad"),
        KeyError("field"),
        PermanentError("no"),
        DuplicateKeyError("E11000", 11000, {}),
        OperationFailure("bad value", 2),
        NotStored("too large", passing=False),
        nats.errors.MaxPayloadError(),
        nats.errors.BadSubjectError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_faults_of_the_message_or_the_code_count(error: Exception) -> None:
    """These would come again, so the attempts are counted."""
    assert not is_outage(error)


def test_delays_double_up_to_the_most() -> None:
    """Retries grow apart and never stop growing without bound, give or take a fifth."""
    policy = FailurePolicy(first_delay=0.1, max_delay=5.0)
    for failures, expected in [(1, 0.1), (2, 0.2), (4, 0.8), (7, 5.0), (1000, 5.0)]:
        assert expected * 0.8 <= policy.delay(failures) <= expected * 1.2


def test_headers_that_command_the_server_are_kept_without_effect() -> None:
    """A dead letter must not carry an expectation, a TTL or a roll-up of the original."""
    kept = original_headers(
        {
            "traceparent": "00-1",
            "content-type": "x",
            "Nats-Msg-Id": "m",
            "Nats-Expected-Stream": "SUPPORT",
            "nats-rollup": "all",
        }
    )
    assert kept == {
        "traceparent": "00-1",
        "content-type": "x",
        "original-Nats-Msg-Id": "m",
        "original-Nats-Expected-Stream": "SUPPORT",
        "original-nats-rollup": "all",
    }
    assert original_headers(None) == {}
