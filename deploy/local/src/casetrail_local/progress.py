"""What the stack is doing, and how long each step took: live on a terminal, else plain lines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console


class Steps:
    """Prints one line for each finished step, with its time."""

    def __init__(self, console: Console) -> None:
        """Prints on `console`."""
        self._console = console

    @contextmanager
    def step(self, doing: str) -> Iterator[None]:
        """Shows `doing` while the block runs, then that it is done (or failed)."""
        live = self._console.is_terminal
        if not live:
            self._say(f"  … {doing}")
        began = time.monotonic()
        try:
            with self._console.status(doing) if live else nullcontext():
                yield
        except BaseException:
            self._say(f"  [red]✗[/red] {doing} ({time.monotonic() - began:.1f} s)")
            raise
        self._say(f"  [green]✓[/green] {doing} [dim]({time.monotonic() - began:.1f} s)[/dim]")

    def say(self, text: str) -> None:
        """One plain line; `text` is not markup."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)
