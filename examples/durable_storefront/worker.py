"""The process that does the work, on a journal of its own: it may be killed at any moment.

What it has to say it says in lines of JSON; `__main__` reads them. When that is gone, it stops.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import structlog

from dramaturg.actors import ActorSystem, DramaturgError, SqliteJournal
from dramaturg.protocols import Get, Put
from examples.durable_storefront import books
from examples.durable_storefront.addresses import BOARD
from examples.durable_storefront.audit import audit
from examples.durable_storefront.messages import Order
from examples.durable_storefront.purchase import PURCHASE
from examples.durable_storefront.shop import ends, open_shop, see_through
from examples.durable_storefront.source import Source, UnusableFileError, read_source
from examples.storefront.addresses import find
from examples.storefront.parsing import Purchase

SAY_EVERY = 10
"""It tells how far it is after so many ends."""


class OtherPurchasesError(Exception):
    """The journal is of a run with other purchases."""


def main() -> int:
    """Work until all is done; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("input", type=Path)
    parser.add_argument("journal", type=Path)
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    try:
        source = read_source(options.input, options.limit)
        return asyncio.run(_work(source, options.journal))
    except (DramaturgError, OtherPurchasesError, UnusableFileError) as error:
        _say("trouble", text=f"{type(error).__name__}: {error}")
        return 2


async def _work(source: Source, path: Path) -> int:
    with path.with_suffix(".log").open("a", encoding="utf-8") as log:
        async with ActorSystem(
            "shop", journal=SqliteJournal(path), default_timeout=60.0, logger=_logger(log)
        ) as system:
            work = asyncio.create_task(_process(system, source))
            gone = asyncio.create_task(_nobody_listens())
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            gone.cancel()
            if work.done():
                return await work
            work.cancel()
            return 3


async def _process(system: ActorSystem, source: Source) -> int:
    await open_shop(system)
    await _check_same(system, source)
    done = await ends(system, PURCHASE)
    flying = await PURCHASE.resume(system)
    _say("opened", done=len(done), in_flight=len(flying))
    count = len(done)

    def ended() -> None:
        nonlocal count
        count += 1
        if count % SAY_EVERY == 0:
            _say("progress", done=count)

    purchases = source.batch.purchases
    left = [_order(each) for each in purchases if each.line not in done]
    await see_through(system, left, ended)
    _say("progress", done=count)
    plain = books.compute(
        source.data, without={each.line for each in source.batch.rejected}, limit=source.limit
    )
    result = await audit(system, plain)
    _say(
        "report",
        compared=result.compared,
        differences=[str(each) for each in result.differences],
        orders=plain.total.orders,
        units=plain.total.units,
        dollars=str(plain.total.dollars),
        states=dict(Counter(plain.states.values()).most_common()),
    )
    return 1 if result.differences else 0


async def _check_same(system: ActorSystem, source: Source) -> None:
    """See that the journal is of a run with the same purchases.

    :raises OtherPurchasesError: it is not.
    """
    board = find(system, BOARD)
    entry = await board.request(Get("purchases"))
    if entry is None:
        await board.request(Put("purchases", source.fingerprint))
    elif entry.value != source.fingerprint:
        raise OtherPurchasesError("the journal is of a run with other purchases")


def _order(purchase: Purchase) -> Order:
    return Order(
        order=purchase.line,
        customer=purchase.customer,
        day=purchase.day,
        units=purchase.units,
        cents=int(purchase.dollars.scaleb(2)),
    )


async def _nobody_listens() -> None:
    """Return when whoever has started this process is gone."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await reader.read()


def _say(what: str, **more: Any) -> None:
    print(json.dumps({"what": what, **more}), flush=True)


def _logger(file: Any) -> Any:
    return structlog.wrap_logger(
        structlog.WriteLogger(file),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            ),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
