"""The display: shows on the terminal how far the shop has come."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol, TextIO

from dramaturg.actors import Actor, handler
from examples.storefront.messages import Progress


class Bar(Protocol):
    """Something that can show progress."""

    def show(self, done: int) -> None:
        """Show that so much is done in all."""

    def note(self, text: str) -> None:
        """Show a line about something that has happened."""


class Display(Actor):
    """Hands what the front desk says to a bar."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar

    @handler
    def show(self, message: Progress) -> None:
        """Show it."""
        self._bar.show(message.done)


class PlainBar:
    """A line of text for every tenth of the whole."""

    def __init__(self, total: int, file: TextIO) -> None:
        self._total = total
        self._file = file
        self._tenths = 0

    def show(self, done: int) -> None:
        """Print a line if another tenth is done."""
        tenths = done * 10 // self._total
        if tenths > self._tenths:
            self._tenths = tenths
            print(f"{tenths * 10:4} %  {done} of {self._total} orders", file=self._file, flush=True)

    def note(self, text: str) -> None:
        """Print it."""
        print(text, file=self._file, flush=True)


@contextmanager
def open_bar(total: int, file: TextIO | None = None) -> Generator[Bar]:
    """Open a progress bar of rich on a terminal; lines of text elsewhere, or without rich."""
    out = file or sys.stdout
    try:
        # An extra: it may not be there to be imported.
        from rich import console, progress  # noqa: PLC0415
    except ImportError:
        yield PlainBar(total, out)
        return
    if not out.isatty():
        yield PlainBar(total, out)
        return

    columns = (
        progress.TextColumn("orders"),
        progress.BarColumn(None),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=console.Console(file=out), expand=True) as bars:
        task = bars.add_task("orders", total=total)

        class RichBar:
            def show(self, done: int) -> None:
                bars.update(task, completed=done)

            def note(self, text: str) -> None:
                bars.console.print(text, markup=False, highlight=False, overflow="ellipsis")

        yield RichBar()
