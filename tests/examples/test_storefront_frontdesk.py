import asyncio
from datetime import date
from decimal import Decimal

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    ManualClock,
    Props,
    Request,
    handler,
)
from examples.storefront.frontdesk import FrontDesk
from examples.storefront.messages import (
    OpenDoors,
    OrderCompleted,
    OrderFailed,
    PlaceOrder,
    Progress,
    Settle,
)
from examples.storefront.parsing import Purchase
from examples.storefront.shop import order_of


class InFlight(Request[tuple[int, ...]]):
    """Say which orders are in flight."""


class ProbedDesk(FrontDesk):
    @handler
    def in_flight(self, message: InFlight) -> tuple[int, ...]:
        return tuple(self._in_flight)


class Nobody(Actor):
    @handler
    def ignore(self, message: PlaceOrder) -> None:
        pass


class Log(Actor):
    def __init__(self, told: asyncio.Queue[int]) -> None:
        self._told = told

    @handler
    def progress(self, message: Progress) -> None:
        self._told.put_nowait(message.done)


def open_desk(
    system: ActorSystem, *, orders: int, in_flight: int, told: asyncio.Queue[int] | None = None
) -> ActorRef[ProbedDesk]:
    system.spawn(Nobody, name="customers")
    placed = [
        order_of(Purchase(line, "00004", "0001", date(1997, 1, 1), 1, Decimal(1)))
        for line in range(1, orders + 1)
    ]
    props = Props(
        ProbedDesk,
        placed,
        in_flight=in_flight,
        patience=10.0,
        customers="/customers",
        display=system.spawn(Props(Log, told or asyncio.Queue()), name="log"),
    )
    desk = system.spawn(props, name="front-desk")
    desk.tell(OpenDoors())
    return desk


async def test_a_new_order_is_given_out_only_for_one_that_has_ended() -> None:
    async with ActorSystem("test") as system:
        desk = open_desk(system, orders=9, in_flight=3)
        assert await desk.request(InFlight()) == (1, 2, 3)

        desk.tell(OrderCompleted(order=2))
        desk.tell(OrderFailed(order=3, reason="because"))

        assert await desk.request(InFlight()) == (1, 4, 5)


async def test_an_end_that_is_told_twice_counts_once() -> None:
    async with ActorSystem("test") as system:
        desk = open_desk(system, orders=9, in_flight=1)

        desk.tell(OrderCompleted(order=1))
        desk.tell(OrderCompleted(order=1))

        assert await desk.request(InFlight()) == (2,)


async def test_the_settlement_waits_for_the_last_order() -> None:
    async with ActorSystem("test") as system:
        desk = open_desk(system, orders=2, in_flight=2)
        settlement = asyncio.ensure_future(desk.request(Settle()))
        desk.tell(OrderCompleted(order=1))
        await desk.request(InFlight())
        assert not settlement.done()

        desk.tell(OrderFailed(order=2, reason="because"))

        settled = await settlement
        assert (settled.completed, [failed.order for failed in settled.failed]) == (1, [2])


async def test_orders_that_nobody_tells_of_are_given_up_when_patience_ends() -> None:
    clock = ManualClock()
    told: asyncio.Queue[int] = asyncio.Queue()
    async with ActorSystem("test", clock=clock) as system:
        desk = open_desk(system, orders=4, in_flight=2, told=told)
        settlement = asyncio.ensure_future(desk.request(Settle(), timeout=100.0))
        assert await desk.request(InFlight()) == (1, 2)

        for done in ((1, 2), (3, 4)):
            clock.advance(10.0)
            assert tuple([await asyncio.wait_for(told.get(), 5) for _ in done]) == done

        settled = await settlement
        assert [failed.order for failed in settled.failed] == [1, 2, 3, 4]
        assert settled.failed[0].reason == "unheard of for 10 s"
        assert settled.seconds == 20.0
