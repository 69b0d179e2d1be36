"""The declared protocols, on actor systems that do these very things, and on some that do not."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorStarted,
    ActorSystem,
    Broadcast,
    DeadlineExceeded,
    LifecycleEvent,
    ManualClock,
    Message,
    Props,
    Refused,
    Request,
    RoundRobin,
    Router,
    RoutingLogic,
    Terminated,
    ToAll,
    handler,
)
from dramaturg.protocols import (
    Channels,
    ProtocolError,
    Seen,
    by_pair,
    by_request,
    child_life,
    child_restart,
    child_start,
    child_stop,
    death_watch,
    request_response,
    request_with_deadline,
    request_with_retry,
    routed_to_all,
    routed_to_one,
)
from dramaturg.supervision import (
    ChildRefused,
    ChildSpec,
    RestartChild,
    StartChild,
    Supervisor,
    SupervisorSpec,
    TerminateChild,
)
from tests.actors.messaging_kit import until
from tests.protocols.monitor_kit import attached


class Ask(Request[int]):
    number: int = 1


class Answer(Message):
    number: int = 1


@dataclass(frozen=True)
class Script:
    """What an actor is to send."""

    items: tuple[Any, ...]


@dataclass(frozen=True)
class Act:
    """A method of its context that an actor is to call."""

    what: str
    ref: ActorRef[Any]


class Replies(Actor):
    @handler
    def ask(self, message: Ask) -> int:
        if message.number < 0:
            raise Refused("negative")
        return 10 // message.number


class Tells(Actor):
    """Answers a told message, as often as it is asked to."""

    @handler
    def ask(self, message: Ask) -> int:
        for _ in range(message.number):
            if self.context.sender is not None:
                self.context.sender.tell(Answer())
        return 0


class Asks(Actor):
    """Tells others, one after the other, whatever it is given."""

    def __init__(self, server: ActorRef[Any]) -> None:
        self.server = server

    @handler
    def go(self, message: Script) -> None:
        for each in message.items:
            self.server.tell(each)

    @handler
    def answer(self, message: Answer) -> None: ...


# -- requests ------------------------------------------------------------------------------------


async def test_requests_are_answered_once() -> None:
    async with ActorSystem() as system:
        server = system.spawn(Replies)
        roles = {"client": None, "server": server}
        protocol = request_response(Ask, int, Refused)
        with attached(system, protocol, roles, key=by_request) as (monitor, violations):
            assert await server.request(Ask(number=2)) == 5
            with pytest.raises(Refused):
                await server.request(Ask(number=-1))
            assert monitor.statistics().observations == 8
            assert violations == []


@pytest.mark.parametrize(("messages", "seen", "kinds"), [
    ((Ask(),), 4, []),
    ((Ask(number=2),), 6, ["after the end"] * 2),
    ((Ask(), Answer()), 6, ["unexpected", "after the end"]),
    ((Answer(),), 2, ["unexpected"] * 2),
])  # fmt: skip
async def test_messages_to_and_fro_out_of_order(messages: Any, seen: int, kinds: list[str]) -> None:
    async with ActorSystem() as system:
        server = system.spawn(Tells)
        client = system.spawn(Props(Asks, server))
        roles = {"client": client, "server": server}
        with attached(system, request_response(Ask, Answer), roles) as (monitor, violations):
            client.tell(Script(messages))
            await until(lambda: monitor.statistics().observations == seen)
            assert [each.kind for each in violations] == kinds


async def test_an_answer_comes_before_its_deadline_or_is_reported() -> None:
    class Stashes(Actor):
        @handler
        def ask(self, message: Ask) -> int:
            return self.context.stash() if message.number else 0

        @handler
        def go(self, message: str) -> None: ...

    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        server = system.spawn(Stashes)
        roles = {"client": None, "server": server}
        protocol = request_with_deadline(Ask, int, seconds=1.0)
        with attached(system, protocol, roles, key=by_request) as (_, violations):
            assert await server.request(Ask(number=0)) == 0
            clock.advance(5)
            assert violations == []
            server.ask(Ask(number=1), block=False)
            await server.request("go")
            clock.advance(1)
            assert [each.kind for each in violations] == ["deadline", "deadline"]


class Retries(Actor):
    def __init__(self, server: ActorRef[Any], attempts: int) -> None:
        self.server = server
        self.attempts = attempts

    @handler
    async def go(self, message: str) -> int | None:
        for _ in range(self.attempts):
            try:
                return await self.server.request(Ask(), timeout=1.0)
            except DeadlineExceeded:
                continue
        return None


class Hesitates(Actor):
    """Lets some requests go unanswered, then answers, and at last all that it has put aside."""

    def __init__(self, ignored: int) -> None:
        self.ignored = ignored

    @handler
    def ask(self, message: Ask) -> int:
        if self.ignored:
            self.ignored -= 1
            return self.context.stash()
        self.context.unstash_all()
        return 1


@pytest.mark.parametrize(
    ("ignored", "attempts", "legal"), [(0, 3, True), (1, 3, True), (2, 3, True), (3, 4, False)]
)
async def test_a_request_is_tried_again_as_often_as_declared(
    ignored: int, attempts: int, legal: bool
) -> None:
    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        server = system.spawn(Props(Hesitates, ignored))
        client = system.spawn(Props(Retries, server, attempts))
        protocol = request_with_retry(
            Ask, int, seconds=1.0, attempts=3, channels=Channels(may_lose=True)
        )
        roles = {"client": client, "server": server}
        with attached(system, protocol, roles, key=by_pair) as (monitor, violations):
            reply = client.ask("go", block=False, timeout=100.0)
            for attempt in range(ignored):
                seen = 2 * attempt + 2
                await until(lambda seen=seen: monitor.statistics().observations == seen)  # type: ignore[misc]
                clock.advance(1.0)
            assert await reply == 1
            await until(lambda: server.cell.idle and not server.cell.depth)
            assert (violations == []) is legal


def test_a_request_has_an_answer_and_an_attempt() -> None:
    with pytest.raises(ProtocolError):
        request_response(Ask)
    with pytest.raises(ProtocolError):
        request_response(Ask, int, int)
    with pytest.raises(ProtocolError):
        request_with_deadline(Ask, int, seconds=0)
    with pytest.raises(ProtocolError):
        request_with_retry(Ask, int, seconds=1, attempts=0)


# -- death watch -------------------------------------------------------------------------------


class Watcher(Actor):
    def __init__(self) -> None:
        self.told = 0

    @handler
    def act(self, message: Act) -> None:
        getattr(self.context, message.what)(message.ref)

    @handler
    def terminated(self, message: Terminated) -> None:
        self.told += 1

    @handler
    def show(self, message: str) -> int:
        return self.told


async def test_a_watcher_is_told_once_and_not_after_it_took_the_watch_back() -> None:
    async with ActorSystem() as system:
        watcher = system.spawn(Watcher, name="w")
        refs = [system.spawn(Tells) for _ in range(3)]
        roles: Any = {"watcher": watcher, "watched": refs}
        with attached(system, death_watch(), roles, key=by_pair) as (monitor, violations):
            for what, ref in [*(("watch", r) for r in refs), ("unwatch", refs[1])]:
                watcher.tell(Act(what, ref))
            await watcher.request("show")
            for ref in refs:
                await ref.stop(block=False)
            assert await watcher.request("show") == 2
            assert monitor.statistics().observations == 12
            assert monitor.finish() == ()
            assert violations == []


@pytest.mark.parametrize("watched_before", [False, True])
async def test_a_planted_notice_is_reported(watched_before: bool) -> None:
    async with ActorSystem() as system:
        watcher = system.spawn(Watcher, name="w")
        ref = system.spawn(Liar)
        roles = {"watcher": watcher, "watched": ref}
        with attached(system, death_watch(), roles, key=by_pair) as (_, violations):
            if watched_before:
                watcher.tell(Act("watch", ref))
                await watcher.request("show")
            await ref.request(Act("lie", watcher))
            assert bool(violations) is not watched_before
            await ref.stop(block=False)
            await watcher.request("show")
            assert {each.message for each in violations} == {"Terminated"}


class Liar(Actor):
    @handler
    def lie(self, message: Act) -> None:
        message.ref.tell(Terminated(self.actor_ref))


# -- supervision ----------------------------------------------------------------------------------


class Worker(Actor):
    @handler
    def divide(self, message: int) -> float:
        return 1 / message


class AsyncWorker(Actor):
    async def on_start(self) -> None:
        await asyncio.sleep(0)

    @handler
    async def divide(self, message: int) -> float:
        return 1 / message


class Unable(Actor):
    def on_start(self) -> None:
        raise ValueError


def told(system: ActorSystem, path: str) -> list[str]:
    events: list[str] = []

    def note(event: LifecycleEvent) -> None:
        if event.path == path:
            events.append(type(event).__name__)

    system.events.subscribe(note, LifecycleEvent)
    return events


@pytest.mark.parametrize("worker", [Worker, AsyncWorker])
async def test_a_child_starts_ends_and_comes_back_as_declared(worker: type[Actor]) -> None:
    async with ActorSystem() as system:
        roles: Any = {"child": worker, "supervisor": Supervisor}
        events = told(system, "/s/w")
        with attached(system, child_life(), roles, key=by_pair) as (monitor, violations):
            spec = SupervisorSpec([ChildSpec("w", worker)], intensity=5)
            supervisor = system.spawn(Props(Supervisor, spec), name="s")
            await supervisor.started()
            child = system.lookup("/s/w")
            assert child is not None
            child.tell(0)
            await until(lambda: events.count("ActorRestarted") == 1)
            child.kill()
            await until(lambda: events.count("ActorRestarted") == 2)
            await supervisor.request(TerminateChild("w"))
            await supervisor.request(RestartChild("w"))
            assert await child.request(1) == 1
            await supervisor.stop(block=False)

            assert events.count("ActorEnded") == 2
            assert monitor.statistics().observations > 20
            assert monitor.finish() == ()
            assert violations == []


async def test_a_start_that_was_told_twice_is_reported() -> None:
    async with ActorSystem() as system:
        roles: Any = {"child": Worker, "supervisor": Supervisor}
        with attached(system, child_life(), roles, key=by_pair) as (_, violations):
            spec = SupervisorSpec([ChildSpec("w", Worker)])
            await system.spawn(Props(Supervisor, spec), name="s").started()
            now = system.clock.time()
            system.events.publish(
                ActorStarted(path="/s/w", time=now, actor_class="Worker", incarnation=2)
            )
            assert [(each.kind, each.path, each.role) for each in violations] == [
                ("unexpected", "/s/w", "child"),
                ("unexpected", "/s", "supervisor"),
            ]


async def test_a_supervisor_answers_each_request_once() -> None:
    async with ActorSystem() as system:
        supervisor = system.spawn(Props(Supervisor, SupervisorSpec([])), name="s")
        roles = {"operator": None, "supervisor": supervisor}
        with (
            attached(system, child_start(), roles, key=by_request) as (start, violations),
            attached(system, child_stop(), roles, key=by_request) as (stop, _),
            attached(system, child_restart(), roles, key=by_request) as (restart, _),
        ):
            await supervisor.request(StartChild(ChildSpec("w", Worker)))
            with pytest.raises(ChildRefused):
                await supervisor.request(StartChild(ChildSpec("w", Worker)))
            with pytest.raises(ChildRefused):
                await supervisor.request(StartChild(ChildSpec("u", Unable)))
            await supervisor.request(TerminateChild("w"))
            await supervisor.request(RestartChild("w"))
            with pytest.raises(ChildRefused):
                await supervisor.request(RestartChild("w"))
            seen = [each.statistics().observations for each in (start, stop, restart)]
            assert seen == [12, 4, 8]
            assert [each.finish() for each in (start, stop, restart)] == [(), (), ()]
            assert violations == []


async def test_a_supervisor_that_answers_nothing_is_missed() -> None:
    class Silent(Actor):
        @handler
        def start_child(self, message: StartChild) -> None:
            self.context.stash()

    async with ActorSystem() as system:
        supervisor = system.spawn(Silent, name="s")
        roles = {"operator": None, "supervisor": supervisor}
        with attached(system, child_start(), roles, key=by_request) as (monitor, violations):
            supervisor.ask(StartChild(ChildSpec("w", Worker)), block=False)
            await until(lambda: monitor.statistics().observations == 2)
            assert {each.role for each in monitor.finish()} == {"operator", "supervisor"}
            assert {each.kind for each in violations} == {"unfinished"}


# -- routers -----------------------------------------------------------------------------------


def pool(system: ActorSystem, logic: RoutingLogic) -> ActorRef[Any]:
    return system.spawn(Router.pool(Replies, 3, logic), name="router")


def group(system: ActorSystem, logic: RoutingLogic) -> ActorRef[Any]:
    refs = [system.spawn(Replies) for _ in range(3)]
    return system.spawn(Router.group(refs, logic), name="router")


@pytest.mark.parametrize("trace", [False, True])
@pytest.mark.parametrize("make", [pool, group])
async def test_a_router_passes_each_request_on_to_one_routee(
    make: Callable[[ActorSystem, RoutingLogic], ActorRef[Any]], trace: bool
) -> None:
    async with ActorSystem(trace=trace) as system:
        router = make(system, RoundRobin())
        roles: Any = {"client": None, "router": router, "routee": Replies}
        protocol = routed_to_one(Ask, int)
        with attached(system, protocol, roles, key=by_request) as (monitor, violations):
            found = await asyncio.gather(*(router.request(Ask(number=n)) for n in (1, 2, 5, 10)))
            assert found == [10, 5, 2, 1]
            assert monitor.statistics().observations == 24
            assert monitor.finish() == ()
            assert violations == []


@pytest.mark.parametrize("make", [pool, group])
async def test_a_router_passes_each_request_on_to_all_routees(
    make: Callable[[ActorSystem, RoutingLogic], ActorRef[Any]],
) -> None:
    async with ActorSystem() as system:
        router = make(system, ToAll())
        roles: Any = {"client": None, "router": router, "routee": Replies}
        protocol = routed_to_all(Ask, int)
        with attached(system, protocol, roles, key=by_request) as (monitor, violations):
            assert await router.request(Ask(number=2)) == 5
            await until(lambda: monitor.statistics().observations == 14)
            assert monitor.finish() == ()
            assert violations == []


async def test_a_routee_that_is_asked_past_its_router_is_reported() -> None:
    async with ActorSystem() as system:
        router = group(system, RoundRobin())
        [routee, *_] = [ref for ref in system.actors if ref != router]
        roles: Any = {"client": None, "router": router, "routee": Replies}
        with attached(system, routed_to_one(Ask, int), roles, key=by_request) as (_, violations):
            assert await routee.request(Ask()) == 10
            assert [each.message for each in violations] == ["Ask", "Ask", "int"]
            assert {each.expected for each in violations if each.role == "client"} == {
                ("!to router Ask",)
            }


async def test_a_router_of_one_that_sends_to_all_is_reported() -> None:
    async with ActorSystem() as system:
        router = pool(system, RoundRobin())

        def key(seen: Seen) -> Any:
            return by_request(seen)

        roles: Any = {"client": None, "router": router, "routee": Replies}
        with attached(system, routed_to_one(Ask, int), roles, key=key) as (_, violations):
            await router.request(Ask())
            assert violations == []
            await router.request(Broadcast(Ask()))
            assert violations != []
