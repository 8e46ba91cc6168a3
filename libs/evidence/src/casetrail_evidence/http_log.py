"""A log over HTTP, as the gateway serves it: the one module here that uses the network.

Nothing imports it but the command `casetrail-verify fsck`, so the rest of the package stays what it
says it is.
"""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from casetrail_evidence.errors import Malformed, Unreachable

_TIMEOUT = 30.0
_LARGEST = 64 * 1024 * 1024
_PAGE = 200
_NOT_FOUND = 404
_REFUSED = (401, 403)


class HttpLog:
    """The log at a base URL such as `https://casetrail.example`; the token only for records."""

    def __init__(self, url: str, token: str | None = None) -> None:
        if urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
            raise Unreachable(f"{url} is not an http:// or https:// address.")
        self._url = url.rstrip("/")
        self._token = token

    def checkpoint(self) -> bytes:
        """The newest checkpoint."""
        data = self._get("/log/checkpoint")
        if data is None:
            raise Unreachable(f"{self._url} has no checkpoint: nothing is sealed yet.")
        return data

    def cosigned(self) -> bytes | None:
        """The largest checkpoint that enough witnesses cosigned; None when there is none."""
        return self._get("/log/checkpoint/cosigned")

    def rotations(self) -> Sequence[str]:
        """The notes with which it changed its key; none where it does not serve them."""
        data = self._get("/log/rotations")
        notes = [] if data is None else _json(data).get("rotations")
        if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
            raise Malformed("The list of key rotations is not a list of notes.")
        return notes

    def tile(self, path: str) -> bytes | None:
        """A tile by its path; None when there is none."""
        return self._get(f"/log/{path}")

    def records(self) -> Iterator[Mapping[str, Any]]:
        """The records that the token may see, in log order."""
        cursor: str | None = None
        while True:
            query = {"order": "asc", "limit": str(_PAGE)}
            if cursor is not None:
                query["cursor"] = cursor
            data = self._get(f"/v1/records?{urllib.parse.urlencode(query)}", token=self._token)
            if data is None:
                raise Unreachable(f"{self._url} shows no records.")
            page = _json(data)
            yield from (_record(item) for item in page.get("items", []))
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def _get(self, path: str, token: str | None = None) -> bytes | None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(self._url + path, headers=headers)  # noqa: S310 - checked above
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
                data: bytes = answer.read(_LARGEST + 1)
        except urllib.error.HTTPError as error:
            if error.code == _NOT_FOUND:
                return None
            if error.code in _REFUSED:
                raise Unreachable(f"{path} is refused to this token ({error.code}).") from error
            raise Unreachable(f"{path} is answered with {error.code} {error.reason}.") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{self._url}{path} does not answer: {error}") from error
        if len(data) > _LARGEST:
            raise Malformed(f"The answer to {path} is larger than any honest one.")
        return data


def _json(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise Malformed("An answer that should be JSON is not.") from error
    if not isinstance(value, dict):
        raise Malformed("An answer that should be a JSON object is not.")
    return value


def _record(item: Any) -> Mapping[str, Any]:
    if (
        not isinstance(item, dict)
        or not isinstance(item.get("seq"), int)
        or not isinstance(item.get("index"), int)
        or not isinstance(item.get("leaf_input"), str)
        or not isinstance(item.get("leaf"), str)
    ):
        raise Malformed("A record is shown without seq, index, leaf or leaf_input.")
    return item
