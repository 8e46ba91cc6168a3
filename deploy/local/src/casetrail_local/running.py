"""A stack in the foreground: up, doing something, until Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Self

from rich.console import Console

from casetrail_local.progress import Steps
from casetrail_local.stack import Stack, StackOptions

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended early


class StopSignals:
    """Ctrl-C, SIGTERM and a closed terminal: KeyboardInterrupt once, and never while stopping."""

    def __init__(self) -> None:
        """The signals keep their meaning until the context is entered."""
        self._before: dict[signal.Signals, signal._HANDLER] = {}
        self._deaf = False

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def go_deaf(self) -> None:
        """From now on the signals change nothing: the stack is being stopped already."""
        self._deaf = True

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if not self._deaf:
            self._deaf = True
            raise KeyboardInterrupt


def run_stack(options: StackOptions, console: Console, during: Callable[[Stack], int]) -> int:
    """The exit code of `during`, which gets the stack when it is up; afterwards it is gone."""
    steps = Steps(console)
    up = False
    with StopSignals() as signals:
        try:
            with Stack(options, steps) as stack:
                up = True
                try:
                    return during(stack)
                finally:
                    signals.go_deaf()
        except KeyboardInterrupt:
            steps.say("Stopped." if up else "Interrupted before the stack was up.")
            return 0 if up else INTERRUPTED
