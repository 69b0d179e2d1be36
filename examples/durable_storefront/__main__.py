"""See purchases through a process that is killed on the way, and check the books.

The journal is one file. While the purchases are under way the process that works on them gets
SIGKILL three times, and each time another one goes on. Run this again after it was interrupted, and
it goes on, too; run it again after its end, and it says so and checks the books once more.

Exit code 0: every purchase has come to the end that it must, and every figure agrees. 1: not so,
and the text says what differs. 2: a file cannot be used. 130: interrupted.
"""

import argparse
import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from examples.durable_storefront.source import SAMPLE, Source, UnusableFileError, read_source
from examples.storefront.display import Bar, open_bar

SHOWN = 20
"""So many differences are shown; the rest is counted."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return its exit code."""
    options = _options(argv)
    try:
        source = read_source(options.input, options.limit)
        options.journal.parent.mkdir(parents=True, exist_ok=True)
        with open_bar(len(source.batch.purchases)) as bar:
            return asyncio.run(Demo(options, source, bar).run())
    except (UnusableFileError, OSError) as error:
        print(f"storefront: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("storefront: interrupted; run it again, and it goes on", file=sys.stderr)
        return 130


class Demo:
    """Keeps a worker working, and kills it."""

    def __init__(self, options: argparse.Namespace, source: Source, bar: Bar) -> None:
        self._options = options
        self._source = source
        self._bar = bar
        self._of = len(source.batch.purchases)
        parts = options.kills + 1
        self._kill_at = [self._of * part // parts for part in range(1, parts)]
        """It is killed when so many have ended."""
        self._starts = 0
        self._done = 0
        self._begun = time.monotonic()

    async def run(self) -> int:
        """See it through; return the exit code."""
        rejected = self._source.batch.rejected
        note = self._bar.note
        note(f"{self._options.input}: {self._of} purchases, {len(rejected)} lines set aside")
        note(f"the journal is {self._options.journal}")
        while (code := await self._work()) is None:
            note(f"killed the worker (SIGKILL) when {self._done} had ended")
        return code

    async def _work(self) -> int | None:
        """Have a worker work until its end, and return its code; None: it was killed."""
        command = [sys.executable, "-m", "examples.durable_storefront.worker"]
        command += [str(self._options.input), str(self._options.journal)]
        if self._options.limit is not None:
            command += ["--limit", str(self._options.limit)]
        # A session of its own, for Ctrl-C is meant for this process; the worker ends with it.
        worker = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        lines: Any = worker.stdout
        try:
            async for line in lines:
                self._hear(json.loads(line))
                if self._kill_at and self._done >= self._kill_at[0]:
                    del self._kill_at[0]
                    return None
            return await worker.wait()
        finally:
            await _kill(worker)

    def _hear(self, said: dict[str, Any]) -> None:
        """Pass on what the worker says."""
        what = said.pop("what")
        if what == "opened":
            self._opened(**said)
        elif what == "progress":
            self._done = said["done"]
            self._bar.show(self._done)
        elif what == "report":
            self._report(**said)
        else:
            self._bar.note(f"storefront: {said['text']}")

    def _opened(self, done: int, in_flight: int) -> None:
        self._starts += 1
        self._done = done
        # What an earlier run has got through needs no kills any more.
        self._kill_at = [each for each in self._kill_at if each > done]
        if done == self._of:
            self._bar.note("already complete: nothing is left to be done; the books once more:")
        elif done or in_flight:
            self._bar.note(f"resumed: {done} had ended, {in_flight} go on where they were")

    def _report(
        self,
        *,
        compared: int,
        differences: list[str],
        orders: int,
        units: int,
        dollars: str,
        states: dict[str, int],
    ) -> None:
        note = self._bar.note
        ends = ", ".join(f"{count} {state.lower()}" for state, count in states.items())
        note(f"{self._of} purchases in {time.monotonic() - self._begun:.0f} s: {ends}")
        note(f"{orders} orders, {units} CDs, {dollars} dollars")
        if not differences:
            note(f"reconciled: all {compared} figures agree")
            return
        note(f"{len(differences)} of {compared} figures differ:")
        for each in differences[:SHOWN]:
            note(f"  {each}")
        if len(differences) > SHOWN:
            note(f"  ... and {len(differences) - SHOWN} more")


async def _kill(worker: Process) -> None:
    if worker.returncode is None:
        worker.kill()  # SIGKILL: it cannot even say that it ends
        await worker.wait()


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m examples.durable_storefront",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--input",
        "--full",
        type=Path,
        default=SAMPLE,
        metavar="FILE",
        help="default: the CDNOW sample; --full CDNOW_master.txt.gz: the whole data set, packed"
        " or not",
    )
    parser.add_argument(
        "--journal",
        type=Path,
        default=Path("storefront-out", "durable.db"),
        metavar="FILE",
        help="remove it to begin anew (default: %(default)s)",
    )
    parser.add_argument("--limit", type=_count, metavar="N", help="read the first N lines only")
    parser.add_argument(
        "--kills", type=_number, default=3, metavar="N", help="default: %(default)s"
    )
    return parser.parse_args(argv)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _number(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
