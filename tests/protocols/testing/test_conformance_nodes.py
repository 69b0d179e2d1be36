"""Conformance over nodes: sent at one, received at another, and what the network does between."""

import contextlib
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorRef, DeadlineExceeded, Props, handler
from dramaturg.protocols import (
    RELIABLE,
    Channels,
    Protocol,
    Role,
    Seen,
    request_response,
    sequence,
)
from dramaturg.protocols.testing import (
    Faults,
    Network,
    Node,
    Simulation,
    Verdict,
    conforms,
    explore_system,
)
from tests.protocols.monitor_kit import (
    COORDINATOR,
    PARTICIPANT,
    TWO_PHASE_COMMIT,
    Account,
    Begin,
    Coordinator,
)

# Of what is found it matters here that it is found, not how short it becomes.
pytestmark = pytest.mark.usefixtures("brief_shrinking")


@dataclass(frozen=True)
class Order:
    number: int = 1


@dataclass(frozen=True)
class Bill:
    amount: int = 5


@dataclass(frozen=True)
class Go: ...


SHOP, CUSTOMER = Role("shop", serves=True), Role("customer")


def ordering(channels: Channels = RELIABLE) -> Protocol:
    order = sequence(CUSTOMER >> SHOP @ Order, SHOP >> CUSTOMER @ Bill)
    return Protocol("ordering", roles=(CUSTOMER, SHOP), order=order, channels=channels)


class Shop(Actor):
    bills = 1

    @handler
    def order(self, message: Order) -> None:
        assert self.context.sender is not None
        for _ in range(self.bills):
            self.context.sender.tell(Bill())


class Greedy(Shop):
    """Bills twice: a bug."""

    bills = 2


class Customer(Actor):
    def __init__(self, shop: ActorRef[Any]) -> None:
        self.shop = shop
        self.paid = 0

    @handler
    def go(self, message: Go) -> None:
        self.shop.tell(Order())

    @handler
    def bill(self, message: Bill) -> None:
        self.paid += message.amount


class Asking(Actor):
    def __init__(self, shop: ActorRef[Any]) -> None:
        self.shop = shop

    @handler
    async def go(self, message: Go) -> None:
        with contextlib.suppress(DeadlineExceeded):
            await self.shop.request(Order(), timeout=1.0)


class Answering(Actor):
    @handler
    def order(self, message: Order) -> Bill:
        return Bill()


def property_of(verdict: Verdict) -> str:
    assert verdict.failure is not None, str(verdict)
    return f"{verdict.failure.property}: {verdict.failure.detail}"


async def ordered(
    sim: Simulation,
    protocol: Protocol,
    *,
    shop: type[Actor] = Shop,
    **options: Any,
) -> None:
    """Let a customer on one node order in a shop on another."""
    players: Any = {CUSTOMER: sim.ref("town/ann"), SHOP: sim.ref("mall/shop")}
    conforms(sim, protocol, players, **options)

    def open_shop(node: Node) -> None:
        node.system.spawn(shop, name="shop")

    def move_in(node: Node) -> None:
        node.system.spawn(Props(Customer, node.ref("mall/shop")), name="ann")

    await sim.node("mall", open_shop)
    await sim.node("town", move_in)
    sim.ref("town/ann").tell(Go())


def explored(protocol: Protocol, schedules: int = 100, **options: Any) -> Verdict:
    search = {name: options.pop(name) for name in ("faults", "network") if name in options}

    async def scenario(sim: Simulation) -> None:
        await ordered(sim, protocol, **options)

    return explore_system(scenario, schedules=schedules, **search)


def test_actors_of_two_nodes_that_keep_to_the_protocol_conform() -> None:
    explored(ordering()).check()


def test_what_an_actor_of_another_node_may_not_send_breaks_the_property() -> None:
    said = property_of(explored(ordering(), shop=Greedy))
    assert said == (
        "always conforms to ordering: shop mall/shop: after the end !to customer Bill;"
        " expected nothing"
    )


def test_players_may_be_classes_whatever_their_node() -> None:
    async def scenario(sim: Simulation) -> None:
        conforms(sim, ordering(), {"customer": Customer, "shop": Greedy})
        await sim.node("mall", start_greedy)
        await sim.node("town", lambda node: node.system.spawn(Props(Customer, node.ref("mall/s"))))
        sim.ref("town/Customer-1").tell(Go())

    def start_greedy(node: Node) -> None:
        node.system.spawn(Greedy, name="s")

    assert "shop mall/s: after the end" in property_of(explore_system(scenario, schedules=5))


def test_it_may_be_declared_when_the_nodes_are_there() -> None:
    async def scenario(sim: Simulation) -> None:
        mall = await sim.node("mall", lambda node: node.system.spawn(Greedy, name="shop"))
        shop: ActorRef[Any] = sim.ref("mall/shop")
        customer = sim.system.spawn(Props(Customer, shop), name="ann")
        conforms(sim, ordering(), {"customer": customer, "shop": mall.system.lookup("/shop")})
        customer.tell(Go())

    assert "shop mall/shop: after the end" in property_of(explore_system(scenario, schedules=5))


# -- what the network does ---------------------------------------------------------------


@pytest.mark.parametrize("may_lose", [False, True])
def test_a_loss_is_allowed_if_the_channels_may_lose(may_lose: bool) -> None:
    protocol = ordering(Channels(may_lose=may_lose))
    verdict = explored(protocol, faults=Faults(drops=1))

    assert verdict.passed is may_lose
    if not may_lose:
        assert property_of(verdict).startswith(
            "at_rest conforms to ordering: customer town/ann: unfinished; expected ?from shop Bill"
        )


@pytest.mark.parametrize("may_duplicate", [False, True])
def test_a_copy_is_allowed_if_the_channels_may_duplicate(may_duplicate: bool) -> None:
    """A doubled bill: nobody answers that."""
    a, b = Role("a"), Role("b", serves=True)
    order = sequence(a >> b @ Order)
    channels = Channels(may_duplicate=may_duplicate)
    protocol = Protocol("once", roles=(a, b), order=order, channels=channels)

    async def scenario(sim: Simulation) -> None:
        conforms(sim, protocol, {a: sim.ref("town/ann"), b: sim.ref("mall/silent")})
        await sim.node("mall", lambda node: node.system.spawn(Silent, name="silent"))
        await sim.node("town", start_ann)
        sim.ref("town/ann").tell(Go())

    def start_ann(node: Node) -> None:
        node.system.spawn(Props(Customer, node.ref("mall/silent")), name="ann")

    verdict = explore_system(scenario, schedules=100, faults=Faults(duplicates=1))
    assert verdict.passed is may_duplicate
    if not may_duplicate:
        assert "b mall/silent: after the end ?from a Order" in property_of(verdict)


class Silent(Actor):
    @handler
    def order(self, message: Order) -> None: ...


def test_who_answers_a_copy_too_is_to_blame_itself() -> None:
    protocol = ordering(Channels(may_duplicate=True))
    verdict = explored(protocol, faults=Faults(duplicates=1))

    assert "shop mall/shop: after the end !to customer Bill" in property_of(verdict)


@pytest.mark.parametrize("fifo", [True, False])
def test_what_overtakes_is_allowed_if_the_channels_keep_no_order(fifo: bool) -> None:
    a, b = Role("a"), Role("b", serves=True)
    order = sequence(a >> b @ Order, a >> b @ Bill)
    protocol = Protocol("two", roles=(a, b), order=order, channels=Channels(fifo=fifo))

    class Taking(Silent):
        @handler
        def bill(self, message: Bill) -> None: ...

    class Hasty(Customer):
        @handler
        def go(self, message: Go) -> None:
            self.shop.tell(Order())
            self.shop.tell(Bill())

    async def scenario(sim: Simulation) -> None:
        conforms(sim, protocol, {a: Hasty, b: Taking})
        await sim.node("mall", lambda node: node.system.spawn(Taking, name="shop"))
        await sim.node(
            "town",
            lambda node: node.system.spawn(Props(Hasty, node.ref("mall/shop")), name="ann"),
        )
        sim.ref("town/ann").tell(Go())

    verdict = explore_system(scenario, schedules=50, network=Network.UNORDERED)
    assert verdict.passed is not fifo


# -- requests ------------------------------------------------------------------------------


ONE_ANSWER = request_response(Order, Bill)


def asked(**options: Any) -> Verdict:
    async def scenario(sim: Simulation) -> None:
        players = {"client": sim.ref("town/ann"), "server": sim.ref("mall/shop")}
        conforms(sim, options.pop("protocol", ONE_ANSWER), players)
        await sim.node("mall", lambda node: node.system.spawn(Answering, name="shop"))
        await sim.node(
            "town",
            lambda node: node.system.spawn(Props(Asking, node.ref("mall/shop")), name="ann"),
        )
        await sim.ref("town/ann").request(Go(), timeout=60.0)

    return explore_system(scenario, schedules=100, **options)


def test_the_reply_to_a_request_is_received_where_it_was_asked() -> None:
    asked().check()


def test_a_reply_that_is_lost_is_never_received() -> None:
    said = property_of(asked(faults=Faults(drops=1)))
    assert said.startswith("at_rest conforms to request_response: client town/ann: unfinished")


def test_a_copy_of_a_request_is_answered_twice_and_received_once() -> None:
    verdict = asked(faults=Faults(duplicates=1))
    assert "server mall/shop: after the end ?from client Order" in property_of(verdict)


def test_a_request_that_is_forwarded_to_a_third_node_is_answered_from_there() -> None:
    client, front, back = Role("client"), Role("front", serves=True), Role("back", serves=True)
    order = sequence(client >> front @ Order, front >> back @ Order, back >> client @ Bill)
    protocol = Protocol("forwarded", roles=(client, front, back), order=order)

    class Front(Actor):
        def __init__(self, back: ActorRef[Any]) -> None:
            self.back = back

        @handler
        def order(self, message: Order) -> None:
            self.context.forward(self.back)

    async def scenario(sim: Simulation) -> None:
        players = {client: Asking, front: Front, back: Answering}
        conforms(sim, protocol, players)
        await sim.node("store", lambda node: node.system.spawn(Answering, name="back"))
        await sim.node(
            "mall",
            lambda node: node.system.spawn(Props(Front, node.ref("store/back")), name="shop"),
        )
        await sim.node(
            "town",
            lambda node: node.system.spawn(Props(Asking, node.ref("mall/shop")), name="ann"),
        )
        await sim.ref("town/ann").request(Go(), timeout=60.0)

    explore_system(scenario, schedules=50).check()


# -- many, and crashes -----------------------------------------------------------------------


async def committed(sim: Simulation, *, skip: int = 0, **options: Any) -> None:
    """Let a coordinator commit, with two accounts on nodes of their own."""
    players: Any = {
        COORDINATOR: sim.ref("hub/c"),
        PARTICIPANT: [sim.ref("a/account"), sim.ref("b/account")],
    }
    conforms(sim, TWO_PHASE_COMMIT, players, **options)

    def start(node: Node) -> None:
        node.system.spawn(Account, name="account")

    for name in ("a", "b"):
        await sim.node(name, start)
    await sim.node("hub", lambda node: node.system.spawn(Coordinator, name="c"))
    accounts = (sim.ref("a/account"), sim.ref("b/account"))
    sim.ref("hub/c").tell(Begin(accounts=accounts, skip=skip))


def test_members_of_a_role_may_live_on_a_node_each() -> None:
    explore_system(committed, schedules=50).check()


def test_a_bug_among_members_on_several_nodes_is_found() -> None:
    async def scenario(sim: Simulation) -> None:
        await committed(sim, skip=1)

    said = property_of(explore_system(scenario, schedules=50))
    assert "coordinator hub/c: unexpected !to participant[a/account] Commit" in said


@pytest.mark.parametrize("declared", [False, True])
def test_the_crash_of_a_node_may_be_declared(declared: bool) -> None:
    async def scenario(sim: Simulation) -> None:
        await committed(sim, may_crash=[PARTICIPANT] if declared else [])

    faults = Faults(node_crashes={"a": 1}, lost_with_crash=True)
    verdict = explore_system(scenario, schedules=150, faults=faults)

    assert verdict.passed is declared, str(verdict)


# -- bad input -----------------------------------------------------------------------------


def test_what_a_key_raises_breaks_the_property() -> None:
    def broken_key(seen: Seen) -> str:
        raise LookupError("no number")

    said = property_of(explored(ordering(), key=broken_key, schedules=3))
    assert said.startswith("always conforms to ordering: the check raises LookupError: no number")
