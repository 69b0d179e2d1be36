"""Clock, randomness and ids belong to the system; nothing else in the package reads them."""

import ast
import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeGuard
from uuid import UUID

import pytest

import dramaturg
from dramaturg.actors import (
    Actor,
    ActorSystem,
    DeadLetterReason,
    ManualClock,
    OptionError,
    Props,
    SystemClock,
    handler,
    random_ids,
    seeded_ids,
)
from tests.actors.messaging_kit import AsyncBox, Box, Kept, Note, turns

PACKAGE = Path(dramaturg.__file__).parent

SEAMS = {
    "_pytest_plugin.py",
    "actors/_clock.py",
    "actors/_ids.py",
    "actors/_system.py",
    "supervision/_breaker_limit.py",
}
"""The modules whose business it is: clock, ids, the system's random source, a limit that rings on
the caller's own loop when the clock is the machine's, and the nightly seed, which is the day."""

MODULES = {"time", "random", "secrets", "uuid"}
FORBIDDEN = {
    "asyncio.sleep",
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "os.getrandom",
    "os.urandom",
    "uuid.uuid1",
    "uuid.uuid4",
    "_thread.time",
}


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


class _Imports(ast.NodeVisitor):
    """What names mean in a module: from its imports, but for those of type checkers."""

    def __init__(self) -> None:
        self.meaning: dict[str, str] = {}

    def visit_If(self, node: ast.If) -> None:
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.meaning[alias.asname or alias.name.split(".")[0]] = alias.name

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self.meaning[alias.asname or alias.name] = f"{node.module}.{alias.name}"


def dotted(node: ast.AST, meaning: dict[str, str]) -> str | None:
    """Write what an expression such as `dt.datetime.now` refers to."""
    if isinstance(node, ast.Name):
        return meaning.get(node.id)
    if isinstance(node, ast.Attribute):
        value = dotted(node.value, meaning)
        return None if value is None else f"{value}.{node.attr}"
    return None


def uses(source: str) -> Iterator[str]:
    """Yield what a module uses of the outside world's time and chance."""
    tree = ast.parse(source)
    imports = _Imports()
    imports.visit(tree)
    # `asyncio.sleep(0)` reads no clock: it lets the others run.
    yields = {node.func for node in ast.walk(tree) if _is_call_with_zero(node)}
    for node in ast.walk(tree):
        meant = dotted(node, imports.meaning)
        if meant is not None and node not in yields:
            head, _, rest = meant.partition(".")
            if meant in FORBIDDEN or (head in MODULES and rest and meant not in _TYPES):
                yield f"{meant} in line {getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Attribute) and node.attr == "call_later":
            yield f"{node.attr} in line {node.lineno}"


def _is_call_with_zero(node: ast.AST) -> TypeGuard[ast.Call]:
    if not isinstance(node, ast.Call) or len(node.args) != 1:
        return False
    [argument] = node.args
    return isinstance(argument, ast.Constant) and argument.value == 0


_TYPES = {"uuid.UUID", "random.Random"}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import time\ntime.time()", ["time.time"]),
        ("import time as t\nx = t.monotonic", ["time.monotonic"]),
        ("from time import monotonic as m\nm()", ["time.monotonic"]),
        ("from datetime import datetime\ndatetime.now()", ["datetime.datetime.now"]),
        ("import datetime as dt\ndt.datetime.now(dt.UTC)", ["datetime.datetime.now"]),
        ("import random\nrandom.random()", ["random.random"]),
        ("from random import Random\nRandom(1)", []),
        ("import uuid\nuuid.uuid4()\nuuid.UUID(int=1)", ["uuid.uuid4"]),
        ("from os import urandom\nurandom(1)", ["os.urandom"]),
        ("import asyncio\nasyncio.sleep(1)", ["asyncio.sleep"]),
        ("import asyncio\nasyncio.sleep(0)", []),
        ("loop.call_later(1, f)", ["call_later"]),
        ("if TYPE_CHECKING:\n    import random\nx: random.Random", []),
        ("from datetime import timedelta\ntimedelta(1)", []),
    ],
)
def test_the_search_finds_what_it_should(source: str, found: list[str]) -> None:
    assert [use.split(" in ")[0] for use in uses(source)] == found


@pytest.mark.parametrize("path", [p for p in sources() if name_of(p) not in SEAMS], ids=name_of)
def test_only_the_seams_read_time_and_chance(path: Path) -> None:
    assert list(uses(path.read_text())) == []


def test_the_seams_are_where_this_test_looks_for_them() -> None:
    assert {name_of(path) for path in sources()} >= SEAMS


def test_the_system_draws_its_random_source_once() -> None:
    found = list(uses((PACKAGE / "actors/_system.py").read_text()))

    assert found == []


# -- ids and randomness --------------------------------------------------------


def test_the_same_seed_makes_the_same_ids_and_another_one_others() -> None:
    first, same, other = (seeded_ids(Random(seed)) for seed in (1, 1, 2))

    made = [first() for _ in range(10)]

    assert made == [same() for _ in range(10)]
    assert made != [other() for _ in range(10)]
    assert len(set(made)) == 10
    assert {each.version for each in made} == {4}


def test_random_ids_differ() -> None:
    assert len({random_ids() for _ in range(100)}) == 100


async def _ids(**options: Any) -> list[UUID | None]:
    async with ActorSystem(trace=True, **options) as system:
        ref = system.spawn(Box)
        await ref.stop(block=False)
        for number in range(5):
            ref.tell(Note(number))
        return [letter.message_id for letter in system.dead_letters.list()]


async def test_a_seeded_system_makes_equal_ids() -> None:
    assert await _ids(seed=7) == await _ids(seed=7)
    assert await _ids(seed=7) != await _ids(seed=8)
    assert await _ids() != await _ids()


async def test_a_system_takes_its_ids_from_the_given_source() -> None:
    numbers = iter(range(1, 100))

    assert await _ids(ids=lambda: UUID(int=next(numbers))) == [UUID(int=n) for n in range(1, 6)]


async def test_a_seeded_systems_actors_draw_equal_numbers() -> None:
    class Draws(Actor):
        @handler
        def draw(self, message: str) -> list[float]:
            return [self.context.random.random() for _ in range(5)]

    async def draw(seed: int | None) -> Any:
        async with ActorSystem(seed=seed) as system:
            return await system.spawn(Draws).request("")

    assert await draw(1) == await draw(1)
    assert await draw(1) != await draw(2)
    assert await draw(None) != await draw(None)


async def test_an_actors_urn_is_an_id_of_the_system() -> None:
    urns: list[str] = []
    for _ in range(2):
        async with ActorSystem(seed=3) as system:
            urns.append(system.spawn(Box).actor_urn)

    assert urns[0] == urns[1]
    assert urns[0].startswith("urn:uuid:")


# -- clocks --------------------------------------------------------------------


async def test_actors_read_the_systems_clock() -> None:
    class Reads(Actor):
        @handler
        def read(self, message: str) -> tuple[float, datetime]:
            return self.context.clock.monotonic(), self.context.clock.time()

    clock = ManualClock(datetime(2030, 1, 1, tzinfo=UTC))
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(Reads)
        clock.advance(1.5)

        monotonic, time = await ref.request("")
        assert monotonic == 1.5
        assert time == datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=1.5)


def test_a_manual_clock_stands_still() -> None:
    clock = ManualClock()

    assert [clock.monotonic(), clock.monotonic()] == [0, 0]
    assert clock.time() == datetime(2000, 1, 1, tzinfo=UTC)


def _note(clock: ManualClock, name: str, calls: list[tuple[str, float]]) -> None:
    calls.append((name, clock.monotonic()))


def test_a_manual_clock_makes_each_planned_call_at_its_moment_in_order() -> None:
    clock = ManualClock()
    calls: list[tuple[str, float]] = []
    for name, when in (("c", 3.0), ("a", 1.0), ("b", 2.0), ("b2", 2.0), ("later", 9.0)):
        clock.call_at(when, _note, clock, name, calls)

    clock.advance(5)

    assert calls == [("a", 1.0), ("b", 2.0), ("b2", 2.0), ("c", 3.0)]
    assert (clock.monotonic(), clock.pending) == (5.0, 1)


def test_a_call_planned_within_a_call_is_made_in_the_same_advance() -> None:
    clock = ManualClock()
    calls: list[float] = []

    def again() -> None:
        calls.append(clock.monotonic())
        clock.call_at(clock.monotonic() + 1, again)

    clock.call_at(1, again)
    clock.advance(3)

    assert calls == [1, 2, 3]


def test_a_cancelled_call_is_not_made() -> None:
    clock = ManualClock()
    calls: list[int] = []
    first = clock.call_at(1, calls.append, 1)
    clock.call_at(1, calls.append, 2)
    first.cancel()
    first.cancel()

    assert clock.pending == 1
    clock.advance(1)
    assert calls == [2]


def test_a_call_for_a_moment_that_has_passed_is_made_at_the_next_advance() -> None:
    clock = ManualClock()
    clock.advance(5)
    calls: list[float] = []
    clock.call_at(1, lambda: calls.append(clock.monotonic()))

    clock.advance(0)

    assert calls == [5]


def test_a_manual_clock_never_goes_back() -> None:
    clock = ManualClock()
    with pytest.raises(OptionError, match="seconds=-1"):
        clock.advance(-1)
    clock.call_at(1, clock.advance, 10)
    clock.advance(2)

    assert clock.monotonic() == 11


def test_a_call_that_raises_leaves_the_clock_at_its_moment() -> None:
    clock = ManualClock()
    calls: list[int] = []
    clock.call_at(1, lambda: 1 / 0)
    clock.call_at(2, calls.append, 2)

    with pytest.raises(ZeroDivisionError):
        clock.advance(5)
    now = clock.monotonic()
    clock.advance(1)

    assert (now, calls) == (1, [2])


async def test_a_system_clock_calls_back_on_the_loop_in_the_order_of_time() -> None:
    async with ActorSystem() as system:
        clock = system.clock
        assert isinstance(clock, SystemClock)
        done = asyncio.Event()
        calls: list[int] = []
        now = clock.monotonic()
        clock.call_at(now + 0.02, calls.append, 2)
        clock.call_at(now + 0.03, done.set)
        clock.call_at(now + 0.01, calls.append, 1)
        clock.call_at(now + 0.005, calls.append, 0).cancel()
        await asyncio.wait_for(done.wait(), 20)

        assert calls == [1, 2]
        assert clock.time().tzinfo is UTC


async def test_a_thread_may_plan_calls_and_cancel_them() -> None:
    async with ActorSystem() as system:
        clock = system.clock
        done = asyncio.Event()
        calls: list[int] = []

        def plan() -> None:
            now = clock.monotonic()
            for number in range(3):
                clock.call_at(now + number / 1_000, calls.append, number).cancel()
            clock.call_at(now + 0.01, done.set)

        # The loop, which makes the calls, waits meanwhile.
        thread = threading.Thread(target=plan)
        thread.start()
        thread.join()
        await asyncio.wait_for(done.wait(), 20)
        await turns()

        assert calls == []


async def test_calls_that_were_called_off_do_not_pile_up() -> None:
    async with ActorSystem() as system:
        clock = system.clock
        held = [Random() for _ in range(1_000)]
        freed = [weakref.ref(each) for each in held]
        kept = clock.call_at(clock.monotonic() + 3600, held.clear)
        for number in range(1_000):
            clock.call_at(clock.monotonic() + 3600, held[number].random).cancel()
        assert isinstance(clock, SystemClock)

        assert len(clock._plan) < 200
        held.clear()
        assert not any(ref() for ref in freed)
        kept.cancel()


async def test_the_loop_does_not_keep_a_clock_alive() -> None:
    clock = SystemClock()
    async with ActorSystem(clock=clock):
        clock.call_at(clock.monotonic() + 3600, clock.monotonic)
    gone = weakref.ref(clock)
    del clock
    gc.collect()

    assert gone() is None


async def test_a_whole_run_with_a_seed_and_a_manual_clock_is_the_same_twice() -> None:
    async def run() -> list[Any]:
        clock = ManualClock()
        async with ActorSystem(clock=clock, seed=5, trace=True) as system:
            refs = [system.spawn(box) for box in (Box, AsyncBox)]
            for number in range(10):
                clock.advance(1)
                refs[system.random.randrange(2)].tell(Note(number))
            kept = [await ref.request(Kept()) for ref in refs]
            for ref in refs:
                await ref.stop(block=False)
                ref.tell(Note("late"))
            await turns()
            letters = system.dead_letters.list(reason=DeadLetterReason.STOPPED)
            return [kept, [(each.message_id, each.time, each.target) for each in letters]]

    assert await run() == await run()


async def test_props_are_not_shared_between_runs() -> None:
    props = Props(Box)
    async with ActorSystem() as system:
        first, second = system.spawn(props), system.spawn(props)
        first.tell(Note(1))

        assert (await first.request(Kept()), await second.request(Kept())) == ([1], [])
