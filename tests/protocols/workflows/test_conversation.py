"""A workflow declares what it asks actors, and says so where it cannot."""

from collections.abc import Callable
from typing import Any, Literal

import pytest

from dramaturg.actors import Actor, ActorSystem, MemoryJournal, Refused, Request, handler
from dramaturg.protocols import (
    Conversation,
    Observation,
    Party,
    Protocol,
    ProtocolError,
    Violation,
    by_request,
)
from dramaturg.protocols.workflows import (
    Call,
    Retry,
    Step,
    Workflow,
    WorkflowFailed,
    any_of,
    ask,
    branch,
    by_instance,
    coordinators_of,
    fan_out,
    for_each,
    loop,
    recover,
    saga,
    sequence,
    step,
    switch,
    wait_for,
    workflow_asked,
)
from dramaturg.protocols.workflows._coordinator import Coordinator
from dramaturg.protocols.workflows._engine import Engine
from dramaturg.protocols.workflows._messages import (
    Cancel,
    GetHistory,
    GetStatus,
    Migrate,
    Resolve,
    Signal,
)
from tests.actors.kit import within
from tests.protocols.monitor_kit import attached

pytestmark = pytest.mark.timeout(30)

SIDES: tuple[Literal["sent", "received"], ...] = ("sent", "received")


class Reserve(Request[str]):
    key: str


class Release(Request[None]):
    key: str


class Charge(Request[int]):
    key: str


class Quote(Request[int | None]):
    key: str


def asking(request: Callable[..., Any]) -> Callable[[Any, Call], Any]:
    def make(_: Any, call: Call) -> Any:
        return request(key=call.key)

    make.__annotations__["return"] = request
    return make


def asks(name: str, path: str, request: Any, **options: Any) -> Any:
    return step(name, ask(path, asking(request)), **options)


def reserve(**options: Any) -> Any:
    return asks("reserve", "/stock", Reserve, compensate=ask("/stock", asking(Release)), **options)


def declared(root: Step, *, ordered: bool = True) -> Protocol:
    return Workflow("shop", root).protocol(ordered=ordered)


def judged(protocol: Protocol, said: str) -> str:
    """Follow "stock>Reserve stock<str": asked, and answered; return what is not legal."""
    talk = Conversation(protocol)
    types = {each.__name__: each for each in protocol.messages}
    for line in said.split():
        who, how, name = line.partition(">") if ">" in line else line.partition("<")
        ends = Party("coordinator"), Party(who)
        sender, receiver = ends if how == ">" else ends[::-1]
        for side in SIDES:
            if isinstance(
                talk.observe(Observation(side, sender, receiver, types[name])), Violation
            ):
                return line
    return ""


SHOP = saga(reserve(), asks("charge", "/bank", Charge))
DONE = "stock>Reserve stock<str bank>Charge bank<int"
UNDONE = "stock>Release stock<NoneType"


@pytest.mark.parametrize(("said", "wrong"), [
    (DONE, ""),
    ("", ""),
    ("stock>Reserve stock<Exception", ""),
    (f"stock>Reserve stock<Exception {UNDONE}", ""),
    (f"stock>Reserve stock<str bank>Charge bank<Exception {UNDONE}", ""),
    (f"stock>Reserve stock<str {UNDONE}", ""),
    ("stock>Reserve stock<Exception bank>Charge", "bank>Charge"),
    ("bank>Charge", "bank>Charge"),
    (f"{DONE} stock>Release", "stock>Release"),
    ("stock>Reserve stock<str bank>Charge bank<Exception bank>Charge", "bank>Charge"),
    ("stock>Reserve stock>Reserve", "stock>Reserve"),
    ("stock>Reserve stock<int", "stock<int"),
])  # fmt: skip
def test_a_saga_is_done_in_order_or_undone(said: str, wrong: str) -> None:
    assert judged(declared(SHOP), said) == wrong


def test_of_two_that_are_undone_the_last_is_first() -> None:
    charge = asks("charge", "/bank", Charge, compensate=ask("/bank", asking(Release)))
    protocol = declared(sequence(reserve(), charge, asks("ship", "/post", Reserve)))
    begun = f"{DONE} post>Reserve post<Exception"

    assert judged(protocol, f"{begun} bank>Release bank<NoneType {UNDONE}") == ""
    assert judged(protocol, f"{begun} {UNDONE}") == "stock>Release"


@pytest.mark.parametrize(("root", "fine", "wrong"), [
    (
        sequence(
            reserve(retry=Retry(attempts=2)),
            asks("charge", "/bank", Charge),
        ),
        "stock>Reserve stock<Exception stock>Reserve stock<str bank>Charge bank<int",
        "stock>Reserve stock<Exception stock>Reserve stock<Exception stock>Reserve",
    ),
    (
        branch(lambda value: value, reserve(), asks("charge", "/bank", Charge)),
        "bank>Charge bank<int",
        "bank>Charge bank<int stock>Reserve",
    ),
    (
        switch(lambda value: value, {1: reserve(), 2: asks("charge", "/bank", Charge)}),
        "stock>Reserve stock<str",
        "stock>Reserve stock<str bank>Charge",
    ),
    (
        sequence(
            asks("reserve", "/stock", Reserve, on_error=recover(None)),
            asks("charge", "/bank", Charge, when=bool),
            asks("ship", "/post", Reserve),
        ),
        "stock>Reserve stock<Exception post>Reserve post<str",
        "stock>Reserve stock<str bank>Charge bank<int stock>Reserve",
    ),
    (
        sequence(
            asks("reserve", "/stock", Reserve, on_error=asks("charge", "/bank", Charge)),
            asks("ship", "/post", Reserve),
        ),
        "stock>Reserve stock<Exception bank>Charge bank<int post>Reserve post<str",
        "bank>Charge bank<int stock>Reserve",
    ),
    (
        sequence(
            loop(asks("charge", "/bank", Charge), until=bool, at_most=2),
            asks("ship", "/post", Reserve),
        ),
        "bank>Charge bank<int bank>Charge bank<int post>Reserve",
        "bank>Charge bank<int bank>Charge bank<int bank>Charge",
    ),
    (
        sequence(for_each(list, reserve(), limit=1), asks("ship", "/post", Reserve)),
        f"stock>Reserve stock<str stock>Reserve stock<str post>Reserve post<Exception {UNDONE}",
        "stock>Reserve stock<str post>Reserve post<str stock>Reserve",
    ),
    (
        fan_out({"a": reserve(), "b": asks("charge", "/bank", Charge)}),
        "stock>Reserve bank>Charge bank<int stock<str",
        "stock>Reserve bank>Charge bank<int stock<str bank>Charge",
    ),
    (
        sequence(step("f", len), wait_for("go"), asks("quote", "/bank", Quote)),
        "bank>Quote bank<NoneType",
        "bank>Quote bank<Exception bank>Quote",
    ),
], ids=[
    "retry", "branch", "switch", "value", "step", "loop", "items", "at once", "none",
])  # fmt: skip
def test_each_kind_of_step_has_its_order(root: Step, fine: str, wrong: str) -> None:
    protocol = declared(root)

    assert judged(protocol, fine) == ""
    assert judged(protocol, wrong) == wrong.rsplit(maxsplit=1)[-1]


@pytest.mark.parametrize(("root", "fine", "wrong"), [
    (
        sequence(reserve(on_error=recover(None)), asks("charge", "/bank", Charge)),
        f"stock>Reserve stock<Exception bank>Charge bank<int {UNDONE}",
        f"stock>Reserve stock<Exception bank>Charge bank<int {UNDONE} bank>Charge",
    ),
    (
        saga(
            fan_out({"a": asks("ship", "/post", Reserve)}, optional={"b": reserve()}),
            asks("charge", "/bank", Charge),
        ),
        f"post>Reserve stock>Reserve post<str stock<Exception bank>Charge bank<int {UNDONE}",
        "post>Reserve stock>Reserve post<str stock<Exception bank>Charge bank<int post>Reserve",
    ),
    (
        sequence(reserve(on_error=recover(None)), asks("charge", "/bank", Charge)),
        "stock>Reserve stock<Exception bank>Charge bank<Exception",
        "stock>Reserve stock<Exception bank>Charge bank<Exception bank>Charge",
    ),
], ids=["value", "optional branch", "declared no"])  # fmt: skip
def test_what_failed_in_doubt_may_be_undone_at_the_end(root: Step, fine: str, wrong: str) -> None:
    protocol = declared(root)

    assert judged(protocol, fine) == ""
    assert judged(protocol, wrong) == wrong.rsplit(maxsplit=1)[-1]


def test_what_is_not_annotated_is_any_request_and_any_answer() -> None:
    protocol = declared(sequence(step("a", "/one"), step("b", ask("/two", lambda value: value))))

    assert judged(protocol, "one>Request one<object two>Request two<Exception") == ""
    assert [each.name for each in protocol.roles] == ["coordinator", "one", "two"]


@pytest.mark.parametrize(("paths", "names"), [
    (("/a/b", "/a-b"), ["coordinator", "a_b", "a_b_2"]),
    (("/coordinator", "/7"), ["coordinator", "coordinator_2", "at_7"]),
])  # fmt: skip
def test_roles_are_called_as_their_paths(paths: tuple[str, str], names: list[str]) -> None:
    one, other = paths
    protocol = declared(sequence(asks("a", one, Reserve), asks("b", other, Reserve)))

    assert [each.name for each in protocol.roles] == names


@pytest.mark.parametrize(("root", "why"), [
    (step("f", len), "none of its steps asks an actor"),
    (reserve(timeout=1.0), "its timeout cuts"),
    (sequence(reserve(), timeout=1.0), "its timeout cuts"),
    (fan_out({"a": reserve(), "b": asks("c", "/b", Charge)}, join=any_of()), "cuts branches short"),
    (for_each(list, reserve()), "several items at once"),
    (
        loop(branch(bool, reserve()), until=bool, at_most=2),
        "may ask nobody",
    ),
    (
        fan_out({"a": reserve(), "b": asks("c", "/stock", Charge)}),
        "nobody can tell to which part",
    ),
    (sequence(loop(reserve(), until=bool, at_most=2), asks("c", "/stock", Reserve)), "cannot see"),
], ids=["none", "timeout", "group", "race", "items", "round", "same", "again"])  # fmt: skip
def test_what_no_order_can_say_is_refused(root: Step, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        declared(root)


@pytest.mark.parametrize("said", [
    "bank>Charge stock>Reserve bank>Charge stock<str stock<str bank<Exception",
    "stock>Release stock<NoneType",
])  # fmt: skip
def test_without_order_only_who_says_what_is_declared(said: str) -> None:
    protocol = declared(fan_out({"a": SHOP}, join=any_of()), ordered=False)

    assert judged(protocol, said) == ""
    with pytest.raises(KeyError):
        judged(protocol, "bank>Quote")


# -- on a system -------------------------------------------------------------------------------


class Shop(Actor):
    """Is stock and bank in one."""

    @handler
    def reserve(self, request: Reserve) -> str:
        return "reserved"

    @handler
    def release(self, request: Release) -> None: ...

    @handler
    def charge(self, request: Charge) -> int:
        raise Refused("no")


async def undone(flow: Workflow, root: Step) -> list[Any]:
    """Run it; return what a monitor of its protocol finds wrong with what it does."""
    protocol = Workflow("shop", root).protocol()
    async with ActorSystem(journal=MemoryJournal()) as system:
        stock, bank = (system.spawn(Shop, name=name) for name in ("stock", "bank"))
        roles = {"coordinator": coordinators_of(flow), "stock": stock, "bank": bank}
        with attached(system, protocol, roles, key=by_instance) as (monitor, violations):
            for number in range(2):
                with pytest.raises(WorkflowFailed):
                    await within(flow.run(system, id=f"{number}"))
            assert monitor.statistics().observations == 24
            assert monitor.finish() == () or violations
        return violations


async def test_a_workflow_keeps_its_own_protocol() -> None:
    assert await undone(Workflow("shop", SHOP), SHOP) == []


async def test_a_workflow_does_not_keep_that_of_another() -> None:
    other = saga(asks("charge", "/bank", Charge), reserve())

    found = await undone(Workflow("shop", SHOP), other)

    assert {each.message for each in found} >= {"Reserve"}


async def test_whatever_is_said_about_an_instance_is_answered_once() -> None:
    flow = Workflow("shop", wait_for("go", str))
    async with ActorSystem(journal=MemoryJournal()) as system:
        roles = {"client": None, "engine": Engine, "coordinator": Coordinator}
        with attached(system, workflow_asked(), roles, key=by_request) as (monitor, violations):
            instance = await within(flow.start(system, id="1"))
            await within(instance.status())
            await within(instance.history())
            await within(instance.signal("go", "now"))
            assert await within(instance.result()) == "now"
            assert await within(instance.cancel()) is False
            assert await within(flow.resume(system)) == ()
            with pytest.raises(Exception, match="has no instance"):
                await within(flow.status(system, "2"))

            assert monitor.statistics().observations > 40
            assert violations == []


async def test_an_engine_that_answers_itself_what_a_coordinator_should_is_reported() -> None:
    class Knowing(Engine):
        @handler
        async def about(
            self, request: GetStatus | GetHistory | Signal | Cancel | Resolve | Migrate
        ) -> str:
            return "running"

    flow = Workflow("shop", wait_for("go", str))
    async with ActorSystem(journal=MemoryJournal()) as system:
        system.spawn(Knowing, name="workflows")
        roles = {"client": None, "engine": Engine, "coordinator": Coordinator}
        with attached(system, workflow_asked(), roles, key=by_request) as (_, violations):
            await within(flow.start(system, id="1"))
            await within(flow.status(system, "1"))

            assert {(each.role, each.message) for each in violations} == {
                ("engine", "str"),
                ("client", "str"),
            }
