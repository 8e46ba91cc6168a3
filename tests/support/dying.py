"""A part of a process that kills it, as a power cut would, at the end of a call of one method."""

import os
import signal
from typing import Any


class DiesAfter:
    """Passes everything on, and kills the process (SIGKILL) at the end of call number `calls`.

    The method may be a coroutine or a plain function; one that the part has not is never called.
    """

    def __init__(self, inner: Any, method: str, calls: int) -> None:
        self._inner = inner
        self._method = method
        self._left = calls

    def __getattr__(self, name: str) -> Any:
        given = getattr(self._inner, name)
        if name != self._method:
            return given

        def last(*arguments: Any, **named: Any) -> Any:
            answer = given(*arguments, **named)
            if not hasattr(answer, "__await__"):
                self._die()
                return answer

            async def awaited() -> Any:
                found = await answer
                self._die()
                return found

            return awaited()

        return last

    def _die(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
