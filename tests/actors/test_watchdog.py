"""The watchdog: a handler that holds the loop is reported while it still does."""

import threading
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorSystem, LoopHeld, Props, handler
from dramaturg.actors._watchdog import _same
from tests.actors.kit import (
    LIMIT,
    AsyncPuppet,
    Do,
    Kind,
    Latch,
    Puppet,
    ThreadPuppet,
    nothing,
    settled,
)


class Reports:
    """Collects the reports and lets the handler go at the second look after one."""

    def __init__(self, system: ActorSystem) -> None:
        self.all: list[LoopHeld] = []
        self.came = Latch()
        system.events.subscribe(self._note, LoopHeld)

    def _note(self, event: LoopHeld) -> None:
        self.all.append(event)
        self.came.open()


def hold_until(latch: Latch) -> Do:
    return Do(lambda _: latch.wait())


@pytest.mark.parametrize("kind", [Puppet, AsyncPuppet])
def test_a_handler_that_holds_the_loop_is_reported_with_path_and_stack(kind: Kind) -> None:
    with ActorSystem(hold_limit=0.01) as system:
        reports = Reports(system)
        ref = system.spawn(kind, name="it")
        ref.ask(Do(nothing), timeout=LIMIT)
        ref.tell(hold_until(reports.came))
        ref.ask(Do(nothing), timeout=LIMIT)

    report = reports.all[0]
    assert (report.path, report.limit) == ("/it", 0.01)
    assert "latch.wait" in report.stack


@pytest.mark.parametrize("kind", [Puppet, AsyncPuppet])
async def test_a_handler_on_the_callers_loop_is_reported_too(kind: Kind) -> None:
    async with ActorSystem(hold_limit=0.01) as system:
        reports = Reports(system)
        ref = system.spawn(kind, name="it")
        await settled(ref)
        await ref.request(hold_until(reports.came), timeout=LIMIT)

    assert [report.path for report in reports.all] == ["/it"]


def test_a_handler_that_an_asking_thread_runs_is_reported_too() -> None:
    with ActorSystem(hold_limit=0.01) as system:
        reports = Reports(system)
        ref = system.spawn(Puppet, name="it")
        ref.ask(Do(nothing), timeout=LIMIT)
        ref.ask(hold_until(reports.came), timeout=LIMIT)

    assert [report.path for report in reports.all] == ["/it"]


def test_a_hook_that_holds_the_loop_is_reported() -> None:
    class Slow(Actor):
        def on_start(self) -> None:
            reports.came.wait()

    with ActorSystem(hold_limit=0.01) as system:
        reports = Reports(system)
        system.spawn(Slow, name="it").started().get(timeout=LIMIT)

    assert [report.path for report in reports.all] == ["/it"]


def test_one_turn_is_reported_once_however_long_it_takes() -> None:
    class TwoLooks:
        """A clock that lets the handler go when the watchdog has looked often enough."""

        def __init__(self) -> None:
            self.count = 0
            self.enough = Latch()

        def look(self) -> Any:
            self.count += 1
            if reports.all and self.count >= 6:
                self.enough.open()
            return original()

    with ActorSystem(hold_limit=0.01) as system:
        reports = Reports(system)
        looks = TwoLooks()
        original = system.watchdog._look
        system.watchdog._look = looks.look  # type: ignore[method-assign]
        ref = system.spawn(Puppet, name="it")
        ref.tell(hold_until(looks.enough))
        ref.ask(Do(nothing), timeout=LIMIT)

    assert looks.count >= 6
    assert len(reports.all) == 1


def test_each_turn_that_holds_the_loop_is_reported() -> None:
    with ActorSystem(hold_limit=0.01) as system:
        reports = Reports(system)
        for _ in range(3):
            reports.came = Latch()
            ref = system.spawn(Puppet)
            ref.tell(hold_until(reports.came))
            ref.ask(Do(nothing), timeout=LIMIT)

    assert [report.path for report in reports.all] == ["/Puppet-1", "/Puppet-2", "/Puppet-3"]


def test_an_actor_that_is_asked_again_and_again_is_in_another_turn_each_time() -> None:
    def look(_actor: Any) -> Any:
        return system.watchdog._look(), system.watchdog._look()

    with ActorSystem(hold_limit=None) as system:
        ref = system.spawn(Puppet)
        ref.ask(Do(nothing))
        message = Do(look)
        (first, again), (second, _) = ref.ask(message), ref.ask(message)

    assert first is not None
    assert _same(first, again)
    assert not _same(first, second)


@pytest.mark.parametrize("kind", [AsyncPuppet, ThreadPuppet])
async def test_waiting_and_blocking_where_it_is_allowed_is_not_reported(kind: Any) -> None:
    looked = Latch()
    looks = 0

    def look() -> Any:
        nonlocal looks
        looks += 1
        if looks >= 5:
            looked.open()
        return original()

    async with ActorSystem(hold_limit=0.01) as system:
        reports = Reports(system)
        original = system.watchdog._look
        system.watchdog._look = look  # type: ignore[method-assign]
        wait = Do(lambda _: looked.reached() if kind is AsyncPuppet else looked.wait())
        await system.spawn(kind).request(wait, timeout=LIMIT)

    assert reports.all == []


def test_without_a_limit_nothing_looks() -> None:
    before = threading.active_count()
    with ActorSystem(hold_limit=None) as system:
        system.spawn(Puppet).ask(Do(nothing))

        assert threading.active_count() == before + 1


def test_the_log_says_it_too() -> None:
    written: list[tuple[str, dict[str, Any]]] = []

    class Capturing:
        def bind(self, **_: Any) -> "Capturing":
            return self

        def warning(self, event: str, **values: Any) -> None:
            written.append((event, values))

    class Slow(Puppet):
        @handler
        def wait(self, message: str) -> None:
            reports.came.wait()

    with ActorSystem(hold_limit=0.01, logger=Capturing()) as system:
        reports = Reports(system)
        ref = system.spawn(Props(Slow), name="it")
        ref.tell("wait")
        ref.ask(Do(nothing), timeout=LIMIT)

    assert [(event, values["path"]) for event, values in written] == [("loop_held", "/it")]
