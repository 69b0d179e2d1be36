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
from dramaturg.supervision import ChildSpec, Supervisor, SupervisorSpec
from examples.storefront.addresses import DISPLAY, FRONT_DESK, find, keeper_of
from examples.storefront.frontdesk import FrontDesk
from examples.storefront.ledger import Ledger
from examples.storefront.messages import (
    OpenDoors,
    OrderCompleted,
    OrderFailed,
    OrderPostponed,
    PlaceOrder,
    Progress,
    Settle,
)
from examples.storefront.parsing import Purchase
from examples.storefront.records import Keeper
from examples.storefront.shop import order_of


class InFlight(Request[tuple[int, ...]]):
    """Say which orders are in flight."""


class ProbedDesk(FrontDesk):
    @handler
    def in_flight(self, message: InFlight) -> tuple[int, ...]:
        return tuple(self._in_flight)

    @handler
    def trip(self, message: str) -> None:
        raise RuntimeError(message)


class Door(Actor):
    def __init__(self, given: list[int]) -> None:
        self._given = given

    @handler
    def keep(self, message: PlaceOrder) -> None:
        self._given.append(message.order)


class Log(Actor):
    def __init__(self, told: asyncio.Queue[int]) -> None:
        self._told = told

    @handler
    def progress(self, message: Progress) -> None:
        self._told.put_nowait(message.done)


async def open_desk(
    system: ActorSystem,
    *,
    orders: int,
    in_flight: int,
    told: asyncio.Queue[int] | None = None,
    given: list[int] | None = None,
) -> ActorRef[ProbedDesk]:
    placed = [
        order_of(Purchase(line, "00004", "0001", date(1997, 1, 1), 1, Decimal(1)))
        for line in range(1, orders + 1)
    ]
    desk = Props(
        ProbedDesk,
        placed,
        in_flight=in_flight,
        quiet=10.0,
        tries=2,
        observer=DISPLAY,
        keeper=keeper_of(FRONT_DESK),
    )
    shop = SupervisorSpec(
        [
            ChildSpec("records", SupervisorSpec([ChildSpec("front-desk", Props(Keeper, "/x"))])),
            ChildSpec("back-office", SupervisorSpec([ChildSpec("ledger", Ledger)])),
            ChildSpec("door", Props(Door, [] if given is None else given)),
            ChildSpec("display", Props(Log, told or asyncio.Queue())),
            ChildSpec("front-desk", desk),
        ]
    )
    await system.spawn(Props(Supervisor, shop), name="shop").started()
    ref = find(system, FRONT_DESK)
    ref.tell(OpenDoors())
    return ref


async def test_a_new_order_is_given_out_only_for_one_that_has_ended() -> None:
    async with ActorSystem("test") as system:
        desk = await open_desk(system, orders=9, in_flight=3)
        assert await desk.request(InFlight()) == (1, 2, 3)

        desk.tell(OrderCompleted(order=2))
        desk.tell(OrderFailed(order=3, reason="because"))

        assert await desk.request(InFlight()) == (1, 4, 5)


async def test_an_end_that_is_told_twice_counts_once() -> None:
    async with ActorSystem("test") as system:
        desk = await open_desk(system, orders=9, in_flight=1)

        desk.tell(OrderCompleted(order=1))
        desk.tell(OrderCompleted(order=1))

        assert await desk.request(InFlight()) == (2,)


async def test_the_settlement_waits_for_the_last_order() -> None:
    async with ActorSystem("test") as system:
        desk = await open_desk(system, orders=2, in_flight=2)
        settlement = asyncio.ensure_future(desk.request(Settle()))
        desk.tell(OrderCompleted(order=1))
        await desk.request(InFlight())
        assert not settlement.done()

        desk.tell(OrderFailed(order=2, reason="because"))

        settled = await settlement
        assert (settled.completed, [failed.order for failed in settled.failed]) == (1, [2])


async def test_an_order_that_is_postponed_is_given_out_again_after_a_pause() -> None:
    clock = ManualClock()
    given: list[int] = []
    async with ActorSystem("test", clock=clock) as system:
        desk = await open_desk(system, orders=3, in_flight=1, given=given)
        desk.tell(OrderPostponed(order=1, reason="because"))
        assert await desk.request(InFlight()) == (2,)

        clock.advance(0.02)
        desk.tell(OrderCompleted(order=2))

        assert await desk.request(InFlight()) == (1,)
        assert given == [1, 2, 1]


async def test_an_order_that_is_postponed_too_often_has_failed() -> None:
    clock = ManualClock()
    async with ActorSystem("test", clock=clock) as system:
        desk = await open_desk(system, orders=1, in_flight=1)
        settlement = asyncio.ensure_future(desk.request(Settle(), timeout=100.0))
        desk.tell(OrderPostponed(order=1, reason="once"))
        assert await desk.request(InFlight()) == ()
        clock.advance(0.02)
        assert await desk.request(InFlight()) == (1,)

        desk.tell(OrderPostponed(order=1, reason="twice"))

        assert [failed.reason for failed in (await settlement).failed] == ["twice"]


async def test_a_front_desk_that_starts_again_gives_no_order_out_twice() -> None:
    given: list[int] = []
    async with ActorSystem("test") as system:
        desk = await open_desk(system, orders=5, in_flight=2, given=given)
        settlement = asyncio.ensure_future(desk.request(Settle()))
        assert await desk.request(InFlight()) == (1, 2)

        desk.tell("over the carpet")

        assert await desk.request(InFlight()) == (1, 2)
        for order in range(1, 6):
            desk.tell(OrderCompleted(order=order))
        assert (await settlement).completed == 5
        assert given == [1, 2, 3, 4, 5]


async def test_orders_that_nobody_tells_of_are_tried_again_and_then_given_up() -> None:
    clock = ManualClock()
    told: asyncio.Queue[int] = asyncio.Queue()
    async with ActorSystem("test", clock=clock) as system:
        desk = await open_desk(system, orders=2, in_flight=2, told=told)
        settlement = asyncio.ensure_future(desk.request(Settle(), timeout=100.0))
        assert await desk.request(InFlight()) == (1, 2)

        # Any message would break the silence.
        for pause in (10.0, 0.02, 10.0):
            clock.advance(pause)
            for _ in range(5):
                await asyncio.sleep(0)

        settled = await settlement
        assert [failed.order for failed in settled.failed] == [1, 2]
        assert settled.failed[0].reason == "unheard of for 10 s"
        assert [await asyncio.wait_for(told.get(), 5) for _ in range(2)] == [1, 2]
