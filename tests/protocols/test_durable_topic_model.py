"""Durable topics against a plain model, under their protocols, and in processes that are killed."""

import asyncio
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given, settings, strategies as st

from dramaturg.actors import Props, Refused
from dramaturg.protocols import (
    Confirm,
    KeepUnconfirmed,
    PublishDurably,
    Published,
    SubscribeDurably,
    by_request,
    durable_delivery,
    durable_publish,
    durable_subscription,
)
from dramaturg.protocols._durable_cursor import Cursor
from dramaturg.protocols._durable_topic_state import TopicPublished, TopicState
from tests.actors.kit import within
from tests.actors.messaging_kit import until
from tests.protocols.durable_topic_kit import Bench, Lives, Order, Orders, Reader
from tests.protocols.monitor_kit import attached

PROGRAM = "tests.protocols.durable_topic_program"


class Tidy(Orders):
    retention = KeepUnconfirmed()
    trim_every = 2
    snapshot_every = 5


def heard_right(log: list[tuple[int, bool]], expected: list[int]) -> bool:
    """Tell whether all that is expected came in order; what was repeated says so."""
    first: list[int] = []
    for number, redelivered in log:
        if number in first:
            if not redelivered:
                return False
        else:
            first.append(number)
    return first == expected


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 4)),
        st.tuples(st.just("publish again"), st.integers(0, 30)),
        st.tuples(st.just("restart"), st.sampled_from(["a", "b", "ab", ""])),
        st.tuples(st.just("catch up"), st.sampled_from(["a", "b"])),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, windows=st.tuples(st.integers(1, 3), st.integers(1, 3)))
def test_each_subscription_hears_all_in_order_over_any_lives(
    steps: list[tuple[str, Any]], windows: tuple[int, int]
) -> None:
    asyncio.run(within(_play(steps, dict(zip("ab", windows, strict=True)))))


async def _play(steps: list[tuple[str, Any]], windows: dict[str, int]) -> None:
    lives, played = Lives(), Played(windows)
    of_each_life: list[list[tuple[str, Any]]] = [[("restart", "ab")]]
    for step in [*steps, ("restart", "ab")]:
        if step[0] == "restart":
            of_each_life.append([])
        of_each_life[-1].append(step)
    for steps_of_life in of_each_life:
        async with lives.life(Tidy) as bench:
            for what, value in steps_of_life:
                await played.step(bench, what, value)
    for log in played.logs.values():
        assert heard_right(log, played.published), (log, played.published)


class Played:
    """What was published so far, and what each subscription has heard."""

    def __init__(self, windows: dict[str, int]) -> None:
        self.windows = windows
        self.published: list[int] = []
        self.logs: dict[str, list[tuple[int, bool]]] = {"a": [], "b": []}

    async def step(self, bench: Bench, what: str, value: Any) -> None:
        if what == "restart":
            await self._subscribe(bench, value)
        elif what == "catch up":
            if (await bench.figures(value)).ref is not None:
                await bench.caught_up(value)
        elif what == "publish":
            for _ in range(value):
                await bench.topic.request(self._publication(len(self.published)))
                self.published.append(len(self.published))
        elif value < len(self.published):
            assert (await bench.topic.request(self._publication(value))).is_duplicate

    def _publication(self, number: int) -> PublishDurably:
        return PublishDurably(Order(number=number), key=f"{number}")

    async def _subscribe(self, bench: Bench, names: str) -> None:
        for name in names:
            made = Props(Reader, self.logs[name], bench.fails, bench.gate)
            ref = bench.system.spawn(made, name=name)
            await bench.subscribed(name, ref, window=self.windows[name])
            if names == "ab":
                await bench.caught_up(name)


@given(events=st.lists(st.text("ab", max_size=2), max_size=20), at=st.integers(0, 20))
def test_a_later_state_stands_for_an_earlier_one(events: list[str], at: int) -> None:
    def folded(state: TopicState, *, begin: int) -> TopicState:
        for offset in range(begin, len(events)):
            key = f"{events[offset]}{offset}"
            event = TopicPublished(offset + 1, None, None, key)
            state = state.after(event, remember=4)
        return state

    whole = folded(TopicState(), begin=0)
    assert folded(whole, begin=min(at, len(events))) == whole


# -- the declared protocols ----------------------------------------------------------------------


async def test_publishing_subscribing_and_delivery_keep_their_protocols() -> None:
    async with Lives().life() as bench:
        reader, log = bench.reader()
        roles: Any = {"client": None, "server": bench.topic}
        told: Any = {"client": None, "topic": Orders, "subscription": Cursor}
        served: Any = {"subscription": Cursor, "subscriber": reader}
        with (
            attached(bench.system, durable_publish(), roles, key=by_request) as (one, violations),
            attached(bench.system, durable_subscription(), told, key=by_request) as (two, _),
            attached(bench.system, durable_delivery(), served, key=by_request) as (three, _),
        ):
            await bench.publish(1, -2)
            await bench.subscribed("r", reader)
            await bench.caught_up("r")
            await within(bench.topic.request(Confirm("r", 2)))
            for refused in (Confirm("r", 99), Confirm("nobody", 1)):
                try:
                    await within(bench.topic.request(refused))
                except Refused:
                    continue
            await until(lambda: len(log) == 2)
            seen = [each.statistics().observations for each in (one, two, three)]
            assert seen[0] == 8
            assert seen[1] >= 12
            assert seen[2] == 8
            assert [each.finish() for each in (one, two, three)] == [(), (), ()]
            assert violations == []


async def test_a_topic_that_answers_nothing_is_missed() -> None:
    class Silent(Orders):
        async def publish(self, message: PublishDurably) -> Published:
            return self.context.stash()

    async with Lives().life(Silent) as bench:
        roles: Any = {"client": None, "server": bench.topic}
        with attached(bench.system, durable_publish(), roles, key=by_request) as (monitor, found):
            bench.topic.ask(PublishDurably(Order(number=1)), block=False)
            await until(lambda: monitor.statistics().observations == 2)
            assert {each.role for each in monitor.finish()} == {"client", "server"}
            assert {each.kind for each in found} == {"unfinished"}


# -- the process ends ----------------------------------------------------------------------------


def test_a_killed_process_goes_on_where_it_was(tmp_path: Path) -> None:
    path, random = tmp_path / "topics.db", Random(7)
    log: list[tuple[int, bool]] = []
    published = 0
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-m", PROGRAM, str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(random.randrange(2, 20))]
            process.kill()
            lines += process.stdout.read().splitlines()
        for line in lines:
            what, number, *rest = line.split()
            if what == "published":
                published = max(published, int(number) + 1)
            elif rest:
                log.append((int(number), rest[0] == "True"))
    asyncio.run(_finish(path, log))
    numbers = [number for number, _ in log]
    assert published > 0
    assert heard_right(log, [*range(max(numbers) + 1)])
    assert max(numbers) + 1 >= published


async def _finish(path: Path, log: list[tuple[int, bool]]) -> None:
    lives = Lives("sqlite")
    lives.path = path
    async with lives.life() as bench:
        rest = bench.system.spawn(Props(Reader, log, bench.fails, bench.gate))
        await within(bench.topic.request(SubscribeDurably("r", rest)))
        await bench.caught_up("r")
